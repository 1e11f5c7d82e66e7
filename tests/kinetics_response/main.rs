//! Propagators, kinetics and response against closed forms and published courses.

#[path = "../common/numerics_models.rs"]
mod numerics_models;
#[path = "../common/response_driver.rs"]
mod response_driver;

mod conservation;
mod numerics_crossing;
mod numerics_general;
mod numerics_linear;
mod numerics_modal;
mod numerics_stepper;
mod propagators;
mod response;
mod targets;
