//! catheter
