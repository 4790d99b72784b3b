//! Ranges, and rounding against big rationals.
