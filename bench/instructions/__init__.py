# SPDX-License-Identifier: Apache-2.0
"""Instructions of kernels, counted and compared: what `bench/count-instructions` runs."""
