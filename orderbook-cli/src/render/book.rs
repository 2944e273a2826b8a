//! The book of one security with depth bars.

use alloy::primitives::U256;
use book::market::depth::{BookView, Level};
use serde_json::{Value, json};

use super::{Cell, Surface, Table, Tone};

/// Cells of a full bar.
const BAR: usize = 24;

/// The book as text: asks above, bids below, best prices in the middle, bars for the depth up to each price.
pub fn render(book: &BookView, surface: Surface) -> String {
    let deepest = book
        .bids
        .iter()
        .chain(&book.asks)
        .filter_map(|l| l.depth)
        .max()
        .unwrap_or(0);
    let mut table = Table::new(&["side", ">price", "?>orders", ">quantity", ">depth", "??bar"]);
    for level in book.asks.iter().rev() {
        table.row(row(
            "ask",
            level,
            deepest,
            book.security.decimals,
            Tone::Bad,
        ));
    }
    for level in &book.bids {
        table.row(row(
            "bid",
            level,
            deepest,
            book.security.decimals,
            Tone::Good,
        ));
    }
    let mut text = table.render(surface);
    if surface.terminal {
        let spread = surface.tint(Tone::Dim, &spread(book));
        text.extend(["  ", &spread, "\n"]);
    }
    text
}

fn row(side: &str, level: &Level, deepest: u128, decimals: u8, tone: Tone) -> [Cell; 6] {
    let amount = |value: Option<u128>| {
        value.map_or_else(
            || "more".into(),
            |value| Cell::units(U256::from(value), decimals),
        )
    };
    [
        Cell::new(side, tone),
        Cell::new(level.price.to_string(), Tone::Strong),
        level.orders.into(),
        amount(level.quantity),
        amount(level.depth),
        Cell::new(bar(level.depth.unwrap_or(deepest), deepest), tone),
    ]
}

/// A bar in eighths of a cell, never empty for a value above zero.
fn bar(value: u128, deepest: u128) -> String {
    const EIGHTHS: [char; 8] = ['█', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    if deepest == 0 || value == 0 {
        return String::new();
    }
    // Scaled down first, so that the product below cannot overflow.
    let shift = deepest.leading_zeros().checked_sub(16).map_or(16, |_| 0);
    let (value, deepest) = (value >> shift, (deepest >> shift).max(1));
    let steps = (value * (BAR as u128 * 8))
        .div_ceil(deepest)
        .clamp(1, BAR as u128 * 8);
    let (full, rest) = ((steps / 8) as usize, (steps % 8) as usize);
    let mut text = "█".repeat(full);
    if rest > 0 {
        text.push(EIGHTHS[rest]);
    }
    text
}

/// The distance between the best prices, in words.
pub fn spread(book: &BookView) -> String {
    match book.spread() {
        None => "one side is empty".to_string(),
        Some(spread) => match (spread.crossed, spread.width) {
            (_, None) => "best bid and best ask are equal: they can trade".to_string(),
            (true, Some(width)) => format!("crossed by ${width}: the best bid and ask can trade"),
            (false, Some(width)) => format!("spread ${width}"),
        },
    }
}

/// The book for programs; quantities in base units.
pub fn json(book: &BookView) -> Value {
    let level = |level: &Level| {
        json!({
            "price": level.price,
            "orders": level.orders,
            "quantity": level.quantity.map(|q| q.to_string()),
            "depth": level.depth.map(|q| q.to_string()),
        })
    };
    let spread = book
        .spread()
        .map(|s| json!({ "crossed": s.crossed, "width": s.width }));
    json!({
        "security": book.security.symbol,
        "as_of": book.as_of,
        "bids": book.bids.iter().map(level).collect::<Vec<_>>(),
        "asks": book.asks.iter().map(level).collect::<Vec<_>>(),
        "spread": spread,
        "truncated": book.truncated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_with_depth_and_never_overflow() {
        assert_eq!(bar(0, 10), "");
        assert_eq!(bar(10, 10), "█".repeat(BAR));
        assert_eq!(bar(5, 10), "█".repeat(BAR / 2));
        assert_eq!(bar(1, u128::MAX), "▏");
        assert_eq!(bar(u128::MAX, u128::MAX), "█".repeat(BAR));
    }
}
