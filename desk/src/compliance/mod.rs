//! A hit: somebody who may not trade any more. Every wallet of the person, every listed security, the coin, the open
//! orders and the matches.

pub mod case;
pub mod names;
pub mod person;
