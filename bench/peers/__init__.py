# SPDX-License-Identifier: Apache-2.0
"""wattle and other programs on the same files: ./dev bench, bench/compare, bench/quality."""
