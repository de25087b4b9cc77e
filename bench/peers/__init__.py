# SPDX-License-Identifier: Apache-2.0
"""wattle and other engines on the same files, in turns: what `./dev bench` runs."""
