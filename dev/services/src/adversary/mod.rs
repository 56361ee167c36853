//! Whoever runs the machine and means harm. Each of these does for real what a product must withstand, and each is
//! a success only if the product says no.

pub mod mitm;
pub mod pad;
pub mod store;
