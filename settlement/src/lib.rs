//! Delivery-versus-payment: swaps securities for cash atomically, or does nothing.
