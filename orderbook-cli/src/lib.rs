//! The board and the desk.
