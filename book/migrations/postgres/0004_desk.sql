-- The open orders of one size in price sequence: who could meet whom.
CREATE INDEX open_orders_by_quantity ON open_orders (security, side, quantity, price, seq, expiry);
