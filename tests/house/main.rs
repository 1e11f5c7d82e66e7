//! Rules of the house: what the source and the tables of parameters must keep.

mod dependencies;
mod package;
mod parameters;
mod source;
