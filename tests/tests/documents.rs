//! Pages that cite tests as evidence: the tests must exist.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The pages, and how many tests each cites at least.
const PAGES: [(&str, usize); 3] = [
    ("docs/faults.md", 40),
    ("docs/mutation.md", 10),
    ("docs/reentrancy.md", 30),
];

/// Where tests are.
const SOURCES: [&str; 13] = [
    "authority/src",
    "book/src",
    "desk/src",
    "devnet/src",
    "devnet/tests",
    "distribution/src",
    "documents/src",
    "erc1404-token/src",
    "orderbook-cli/tests",
    "runtime/src",
    "settlement/src",
    "tests/tests",
    "tsusdc/src",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All functions under a folder that have a test attribute: each by its name, and by file and name.
fn collect_tests(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_tests(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.file_stem().expect("a name").to_string_lossy();
            collect_from(&file, &read(&path), tests);
        }
    }
}

fn collect_from(file: &str, source: &str, tests: &mut BTreeSet<String>) {
    let mut marked = false;
    for line in source.lines().map(str::trim_start) {
        marked |= line.starts_with("#[") && line.contains("test]");
        let name = line
            .trim_start_matches("async ")
            .strip_prefix("fn ")
            .and_then(|rest| rest.split('(').next());
        if let Some(name) = name {
            if marked {
                tests.insert(name.to_owned());
                tests.insert(format!("{file}::{name}"));
            }
            marked = false;
        }
    }
}

/// Names in backticks that are sentences, as tests are named: four words or more, possibly after their file's.
fn cited(page: &str) -> BTreeSet<&str> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.matches('_').count() >= 3)
        .filter(|name| {
            name.chars()
                .all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_' | ':'))
        })
        .collect()
}

#[test]
fn every_test_that_a_page_names_exists() {
    let mut tests = BTreeSet::new();
    for folder in SOURCES {
        collect_tests(&workspace().join(folder), &mut tests);
    }
    for (page, least) in PAGES {
        let text = read(&workspace().join(page));
        let cited = cited(&text);
        let missing: Vec<_> = cited
            .iter()
            .filter(|name| !tests.contains(**name))
            .collect();
        assert!(
            missing.is_empty(),
            "{page} names tests that are not there: {missing:?}"
        );
        assert!(
            cited.len() >= least,
            "{page} names {} tests only",
            cited.len()
        );
    }
}

/// On the page on reentrancy, every sentence of the argument cites one.
#[test]
fn every_sentence_of_the_argument_on_reentrancy_names_its_test() {
    let page = read(&workspace().join("docs/reentrancy.md"));
    let argument = page
        .split("\n## ")
        .skip(1)
        .filter(|section| !section.starts_with("Limits"));
    for section in argument {
        let claims = section
            .split("\n\n")
            .flat_map(|block| block.split("\n- "))
            .filter(|block| block.contains(". ") || block.ends_with('.'));
        for claim in claims {
            assert!(!cited(claim).is_empty(), "no test for: {claim}");
        }
    }
}

/// On the page on faults, every kind names the file and the function that look for it.
#[test]
fn every_kind_of_fault_names_its_test() {
    let page = read(&workspace().join("docs/faults.md"));
    let sections = page.split("\n## ").skip(1);
    let kinds: Vec<_> = sections
        .flat_map(|section| section.split("\n- ").skip(1))
        .collect();
    assert!(kinds.len() >= 20, "{} kinds only", kinds.len());
    for kind in kinds {
        let cited = cited(kind);
        let placed = cited.iter().all(|name| name.contains("::"));
        assert!(!cited.is_empty() && placed, "no test for: {kind}");
    }
}

#[test]
fn a_name_is_a_test_only_below_its_attribute() {
    let mut tests = BTreeSet::new();
    collect_from(
        "file",
        "#[test]\nfn it_is_one() {}\nfn it_is_none() {}\n    #[tokio::test]\n    async fn it_is_another() {}",
        &mut tests,
    );
    assert_eq!(
        tests.into_iter().collect::<Vec<_>>(),
        [
            "file::it_is_another",
            "file::it_is_one",
            "it_is_another",
            "it_is_one"
        ]
    );
    assert_eq!(
        cited("`a_b` and `a_b_c_d` and `A_b_c_d` and `file::a_b_c_d` and `file::a_b`"),
        BTreeSet::from(["a_b_c_d", "file::a_b_c_d"])
    );
}
