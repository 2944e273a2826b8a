//! Charts as lists of numbers for SVG: depth in steps, settlements as dots with their average as a line. Nothing is
//! interpolated; a table beside each chart has the same figures.

use std::fmt::Write as _;

use jiff::Timestamp;

/// The width of a chart, and its height, in its own units.
pub(super) const SIZE: (u32, u32) = (600, 160);

/// A price, and how much there is at it and at better ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// 10^-18 dollars.
    pub(super) price: u128,
    pub(super) depth: u128,
}

/// Both sides' depth, as outlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outlines {
    pub(super) bids: String,
    pub(super) asks: String,
}

/// A settlement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traded {
    pub(super) at: Timestamp,
    /// 10^-18 dollars.
    pub(super) price: u128,
}

/// A dot of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dot {
    pub(super) x: u32,
    pub(super) y: u32,
}

/// `part` of `whole`, as a share of `size`.
pub(super) fn share(part: u128, whole: u128, size: u32) -> u32 {
    if whole == 0 {
        return 0;
    }
    // Amounts may fill 128 bits: what is lost here is less than a pixel.
    let shift = 128u32
        .saturating_sub(whole.leading_zeros())
        .saturating_sub(90);
    let (part, whole) = (part >> shift, (whole >> shift).max(1));
    u32::try_from(part.min(whole) * u128::from(size) / whole).unwrap_or(size)
}

/// Both sides' depth as two outlines, best prices in the middle; `None` if one side is empty or all prices are the
/// same.
pub(super) fn depth(bids: &[Step], asks: &[Step]) -> Option<Outlines> {
    let all = || bids.iter().chain(asks);
    let (low, high) = (
        all().map(|step| step.price).min()?,
        all().map(|step| step.price).max()?,
    );
    let most = all().map(|step| step.depth).max()?;
    if bids.is_empty() || asks.is_empty() || low == high {
        return None;
    }
    let (width, height) = SIZE;
    // A margin for the depth beyond the outermost prices.
    let margin = 30;
    let x = |price: u128| margin + share(price - low, high - low, width - 2 * margin);
    let y = |depth: u128| height - share(depth, most, height - 4);
    let outline = |steps: &[Step], edge: u32| {
        let mut path = String::new();
        let mut at = steps.first().map_or(0, |step| x(step.price));
        // Writing to memory does not fail.
        let _ = write!(path, "M{at} {height}");
        for (number, step) in steps.iter().enumerate() {
            at = steps.get(number + 1).map_or(edge, |next| x(next.price));
            let _ = write!(path, "V{}H{at}", y(step.depth));
        }
        let _ = write!(path, "V{height}Z");
        path
    };
    Some(Outlines {
        bids: outline(bids, 0),
        asks: outline(asks, width),
    })
}

/// The positions of settlements between a first and a last moment, and the height of their average.
pub(super) fn dots(
    traded: &[Traded],
    average: Option<u128>,
    from: Timestamp,
    to: Timestamp,
) -> (Vec<Dot>, Option<u32>) {
    let prices = || traded.iter().map(|one| one.price).chain(average);
    let (Some(low), Some(high)) = (prices().min(), prices().max()) else {
        return (Vec::new(), None);
    };
    let (width, height) = SIZE;
    // A margin, so that no dot is cut off; if all prices are the same, they are in the middle.
    let margin = 10;
    let y = |price: u128| {
        if low == high {
            return height / 2;
        }
        height - margin - share(price - low, high - low, height - 2 * margin)
    };
    let second = |time: Timestamp| u128::try_from(time.as_second()).unwrap_or_default();
    let (from, to) = (second(from), second(to));
    let x = |at: Timestamp| {
        margin
            + share(
                second(at).saturating_sub(from),
                to.saturating_sub(from),
                width - 2 * margin,
            )
    };
    let dots = traded.iter().map(|one| Dot {
        x: x(one.at),
        y: y(one.price),
    });
    (dots.collect(), average.map(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_goes_in_steps_from_the_best_price_outwards() {
        let step = |price, depth| Step { price, depth };
        let bids = [step(50, 10), step(0, 40)];
        let asks = [step(60, 20), step(100, 40)];
        let found = depth(&bids, &asks).unwrap();
        assert_eq!(found.bids, "M300 160V121H30V4H0V160Z");
        assert_eq!(found.asks, "M354 160V82H570V4H600V160Z");
        assert_eq!(depth(&bids, &[]), None);
        assert_eq!(depth(&[step(5, 1)], &[step(5, 1)]), None);
    }

    #[test]
    fn settlements_stand_at_their_time_and_price() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let one = |second, price| Traded {
            at: at(second),
            price,
        };
        let (found, line) = dots(
            &[one(0, 100), one(50, 200), one(100, 300)],
            Some(200),
            at(0),
            at(100),
        );
        assert_eq!(
            found,
            [
                Dot { x: 10, y: 150 },
                Dot { x: 300, y: 80 },
                Dot { x: 590, y: 10 }
            ]
        );
        assert_eq!(line, Some(80));
        let (same, line) = dots(&[one(5, 7)], None, at(0), at(10));
        assert_eq!((same, line), (vec![Dot { x: 300, y: 80 }], None));
        assert_eq!(dots(&[], None, at(0), at(1)), (vec![], None));
    }

    #[test]
    fn shares_of_the_largest_amounts_do_not_overflow() {
        assert_eq!(share(u128::MAX, u128::MAX, 600), 600);
        assert_eq!(share(u128::MAX / 2, u128::MAX, 600), 299);
        assert_eq!(share(5, 0, 600), 0);
        assert_eq!(share(9, 3, 600), 600);
    }
}
