# SPDX-License-Identifier: MIT
unit_test(deadlock deadlock)
unit_test(deadlock_graph deadlock)
