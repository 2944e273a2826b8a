//! Stylus programs: the code format, its validation, the ink meter, compilation and the host interface.
