# SPDX-License-Identifier: Apache-2.0
"""wattle and other programs on the same files, in turns: `./dev bench` and `bench/compare`."""
