//! The bench of flow controllers, and controllers in a patient.

mod bench;
mod patient;
