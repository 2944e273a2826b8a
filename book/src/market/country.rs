//! Countries by the codes of ISO 3166-1: numeric, as the security token keeps them, or of two or three letters.

use super::literal::decimal;

/// A country as it was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Country {
    /// Its numeric code.
    pub numeric: u16,
    /// Its short name in English.
    pub name: &'static str,
    /// It was written in letters.
    pub letters: bool,
}

/// It is not an ISO 3166-1 code.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "'{0}' is not an ISO 3166-1 code: write, for example, 840, USA or US for the United States"
)]
pub struct CountryError(String);

/// Reads a code.
///
/// # Errors
/// [`CountryError`].
pub fn read(text: &str) -> Result<Country, CountryError> {
    let text = text.trim();
    let letters =
        text.len() < 4 && !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphabetic());
    let known = if letters {
        let code = text.to_ascii_uppercase();
        rust_iso3166::from_alpha3(&code).or_else(|| rust_iso3166::from_alpha2(&code))
    } else {
        let number = decimal::whole::<u16>(text).ok();
        number.and_then(rust_iso3166::from_numeric)
    };
    let known = known.ok_or_else(|| CountryError(text.chars().take(48).collect()))?;
    Ok(Country {
        numeric: known.numeric,
        name: known.name,
        letters,
    })
}

/// The numeric code.
///
/// # Errors
/// [`CountryError`].
pub fn numeric(text: &str) -> Result<u16, CountryError> {
    read(text).map(|country| country.numeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_written_in_figures_or_in_two_or_three_letters() {
        for (text, code) in [
            ("840", 840),
            ("060", 60),
            ("60", 60),
            ("USA", 840),
            ("usa", 840),
            ("US", 840),
            ("DEU", 276),
            (" GBR ", 826),
            ("gb", 826),
        ] {
            assert_eq!(numeric(text), Ok(code), "{text}");
        }
        assert!(read("DEU").unwrap().letters && !read("276").unwrap().letters);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "", "0", "999", "1000", "8,40", "UK", "XXX", "Germany", "ÜSA", "-1", "2_76",
        ] {
            let refused = numeric(text).unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("'{text}' is not an ISO 3166-1 code")),
                "{refused}"
            );
        }
    }
}
