//! Files as spreadsheets save them: taken whatever their separator and encoding, with a line that says what was assumed;
//! anything ambiguous is refused with its line, and nothing is sent.

use std::fs;

use book::board::Board;
use book::board::csv::OrderWriter;
use book::market::filter::OrderFilter;

use crate::process::{Market, Said, waiting};
use crate::proxy::{Act, Proxy};

const HEAD: &str = "account,investor,name,wallet,group,country,kyc_expiry,holding\n";

fn write(market: &Market, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(market.path().join(name), bytes).unwrap();
}

fn utf16(text: &str) -> Vec<u8> {
    let units = format!("\u{feff}{text}");
    units.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn windows(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(c).expect("Latin-1"))
        .collect()
}

fn warnings(said: &Said) -> Vec<String> {
    let answer = said.json();
    let all = answer["warnings"].as_array().unwrap().iter();
    all.map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn messages(said: &Said) -> Vec<String> {
    let answer = said.json();
    let all = answer["errors"].as_array().unwrap().iter();
    all.map(|one| one["message"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_cap_table_of_a_german_spreadsheet_is_registered_and_what_was_assumed_is_said() {
    let market = Market::open();
    let table = "Account;Investor;Name;Wallet;Group;Country;KYC Expiry;Holding;E-Mail\r\n\
        G-1;GER-1;Müller & Söhne;0x00000000000000000000000000000000000000f1;2;DEU;2035-06-30;10.5;m@x\r\n\
        ;;;;;;;;\r\n";
    for (bytes, encoding) in [
        (
            windows(table),
            Some("Windows-1252, so line 2 says \"Müller & Söhne\""),
        ),
        (utf16(table), Some("UTF-16 LE")),
        (table.as_bytes().to_vec(), None),
    ] {
        write(&market, "german.csv", bytes);
        let said = market
            .run("token register HRBR german.csv --issue --plan")
            .exits(0);
        let row = said.json()["data"]["rows"][0].clone();
        assert_eq!(
            (&row["line"], &row["issue"]),
            (&2.into(), &"10500000".into())
        );
        let told = warnings(&said).join("\n");
        for words in [
            "columns are separated by ';'",
            "\"KYC Expiry\" is kyc_expiry",
            "not read: E-Mail",
            "line 3 is empty",
            "DEU is 276 (Germany)",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert_eq!(
            told.contains("the file is read as"),
            encoding.is_some(),
            "{told}"
        );
        assert!(told.contains(encoding.unwrap_or_default()), "{told}");
    }
    let people = crate::process::orderbook()
        .current_dir(market.path())
        .args([
            "token",
            "register",
            "HRBR",
            "german.csv",
            "--rpc-url",
            &market.url,
        ])
        .output()
        .unwrap();
    let people = Said::of(people).exits(0);
    assert!(
        people.stderr.contains("note: columns are separated by ';'"),
        "{people:?}"
    );
    assert_eq!(market.data("token register HRBR german.csv")["same"], 1);
}

/// Each is refused with its line, and nothing is sent.
#[test]
fn what_a_table_leaves_in_doubt_is_refused_with_its_lines() {
    let market = Market::open();
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let row = |wallet: u8, rest: &str| format!("A,I-1,Ada,0x{wallet:040x},{rest}\n");
    let good = row(0xf1, "1,840,2035-06-30,5");
    for (table, exit, words) in [
        (String::new(), 2, "the file is empty"),
        (HEAD.to_owned(), 2, "a heading and no rows"),
        (
            format!("Cap table of 2026\n\n{HEAD}{good}"),
            2,
            "line 3 is the heading: remove the lines above it",
        ),
        (
            HEAD.replace("wallet,group", "wallet,") + &good,
            2,
            "column group is missing",
        ),
        (
            format!("{HEAD}{good}").replace("holding\n", "\n"),
            2,
            "line 2: column 8 has no heading and contains \"5\"",
        ),
        (
            HEAD.replace("name", "Wallet") + &good,
            2,
            "columns 3 and 4 are both called wallet",
        ),
        (
            format!("{HEAD}{good}{good}"),
            2,
            "line 3: same wallet as line 2",
        ),
        (
            format!("{HEAD}{good}{}", row(0xf2, "2,840,2035-06-30,5")),
            2,
            "line 3: group is 2, but 1 in line 2: an investor has only one group",
        ),
        (
            format!("{HEAD}{}", row(0xf1, "1,840,2020-06-30,5")),
            3,
            "line 2: the KYC expired on 2020-06-30: renew it, or leave the row out",
        ),
        (
            format!("{HEAD}{}", row(0xf1, "1,840,03/04/2037,5")),
            2,
            "line 2: kyc_expiry: `03/04/2037`: write 2037-03-04 or 2037-04-03",
        ),
        (
            format!("{HEAD}{}", row(0xf1, "1,840,2035-06-30,1.000"))
                .replace(',', ";")
                .replace("1.000", "1,000"),
            2,
            "line 2: holding: `1,000`: write 1000 or 1",
        ),
        (
            format!("{HEAD}{}", row(0xf1, "1,Germany,2035-06-30,5")),
            2,
            "line 2: 'Germany' is not an ISO 3166-1 code",
        ),
        ("PK\u{3}\u{4}".to_owned(), 2, "this is a workbook"),
    ] {
        write(&market, "table.csv", &table);
        let said = market
            .run_at(&node.url, "token register HRBR table.csv --issue")
            .exits(exit);
        let told = messages(&said).join("\n");
        assert!(told.contains(words), "{words}: {told}");
        assert_eq!(node.sent(), 0, "{words}");
    }
}

#[test]
fn a_row_that_stands_as_it_is_and_whose_kyc_has_ended_is_named() {
    let market = Market::open();
    let said = market
        .run("token register HRBR cap-table.csv --issue")
        .exits(0);
    let told = warnings(&said);
    assert_eq!(
        told,
        ["line 15: the KYC expired on 2026-06-30: renew it, or leave the row out"]
    );
}

#[test]
fn lists_of_wallets_are_read_as_spreadsheets_save_them() {
    let market = Market::open();
    let list = "Wallet;Since\r\n0x00000000000000000000000000000000000000f1;2026-01-02\r\n";
    write(&market, "list.csv", utf16(list));
    let said = market
        .run("token sanction HRBR --file list.csv --plan")
        .exits(0);
    assert_eq!(said.json()["data"]["new"].as_array().unwrap().len(), 1);
    let told = warnings(&said);
    assert_eq!(told.len(), 2, "{told:?}");
    write(&market, "empty.csv", "wallet\r\n");
    let said = market.run("coin blacklist --file empty.csv").exits(2);
    assert!(said.stdout.contains("names no wallet"), "{said:?}");
}

#[test]
fn forms_of_orders_are_signed_as_spreadsheets_save_them_and_a_row_that_stands_twice_is_not() {
    let market = Market::open();
    let forms = "Side;Security;Quantity;Price;Expires;Account;Wallet;Solicited\n\
        bid;HRBR;10;24.50;30d;A-1028;victor-chen;FALSE\n";
    write(&market, "forms.csv", forms);
    let said = market.run("order sign --from forms.csv").exits(0);
    assert_eq!(said.json()["data"][0]["solicited"], false);
    assert_eq!(warnings(&said).len(), 2);
    let twice = format!("{forms}{}\n", forms.lines().nth(1).unwrap());
    write(&market, "forms.csv", twice);
    let said = market.run("order sign --from forms.csv").exits(2);
    assert_eq!(
        messages(&said),
        ["line 3: same order as line 2: if it is meant twice, sign it twice"]
    );
    write(&market, "forms.csv", forms.replace("24.50", "24,50"));
    let said = market.run("order sign --from forms.csv").exits(2);
    assert_eq!(messages(&said), ["line 2: `24,50`: write 24.5"]);
}

/// The same signed orders, whatever saved them.
#[test]
fn a_file_of_signed_orders_is_the_same_in_every_encoding() {
    let market = Market::open();
    let orders = waiting(async {
        let board = Board::open(&market.store).await.unwrap();
        let orders = board
            .orders(&OrderFilter {
                limit: Some(5),
                ..OrderFilter::default()
            })
            .await
            .unwrap();
        board.store().close().await;
        orders
    });
    let mut bytes = Vec::new();
    let mut writer = OrderWriter::new(&mut bytes).unwrap();
    for order in &orders {
        writer.write(&order.record).unwrap();
    }
    writer.finish().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let tabs = text
        .replace(',', "\t")
        .replace("limit_total", "Limit Total")
        .replace("false", "FALSE");
    for (bytes, told) in [
        (text.clone().into_bytes(), 0),
        (format!("\u{feff}{text}").into_bytes(), 0),
        (utf16(&tabs), 3),
        (windows(&text.replace(',', ";")), 1),
    ] {
        write(&market, "orders.csv", bytes);
        let said = market.run("order import orders.csv --plan").exits(0);
        assert_eq!(said.json()["data"]["same"], orders.len(), "{said:?}");
        let assumed = warnings(&said).len() - usize::from(said.stdout.contains("without asking"));
        assert_eq!(assumed, told, "{said:?}");
    }
}
