//! Signed orders as CSV.
