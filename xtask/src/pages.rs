//! Pages for people: their links lead somewhere, and they use the words of the glossary.
//!
//! What the glossary's last table says is refused is read from there, so that it stands once.

use std::{collections::BTreeSet, fs, path::Path};

use eyre::{OptionExt, Result, WrapErr, bail};

use crate::shell;

const GLOSSARY: &str = "docs/glossary.md";
/// Heading of the table of what is not said.
const REFUSED: &str = "## Not said here";

/// Checks every page that git knows.
pub(crate) fn run() -> Result<()> {
    let root = shell::root();
    let glossary = fs::read_to_string(root.join(GLOSSARY)).wrap_err("cannot read the glossary")?;
    let refused = refused(&glossary)?;
    let mut complaints = twice(&glossary);
    for path in shell::tracked_files()? {
        let Some(name) = path.to_str().filter(|name| name.ends_with(".md")) else {
            continue;
        };
        let text = fs::read_to_string(root.join(&path))?;
        complaints.extend(dead_links(root, &path, &text));
        if is_in_house_words(name) && name != GLOSSARY {
            complaints.extend(refused_words(name, &text, &refused));
        }
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} faults in pages", complaints.len());
    }
    Ok(())
}

/// Pages of the repository itself, not of what tests install or compare with.
fn is_in_house_words(name: &str) -> bool {
    let is_at_the_root = !name.contains('/');
    is_at_the_root || name.starts_with("docs/") || name.starts_with("specs/")
}

/// Words that are not said, each with the one that is.
fn refused(glossary: &str) -> Result<Vec<(String, String)>> {
    let (_, table) = glossary
        .split_once(REFUSED)
        .ok_or_eyre("the glossary does not say what is not said")?;
    let mut all = Vec::new();
    for (not, but) in rows(table).skip(1) {
        all.extend(
            not.split(", ")
                .map(|word| (word.to_lowercase(), but.clone())),
        );
    }
    if all.is_empty() {
        bail!("the glossary refuses nothing");
    }
    Ok(all)
}

/// The first two cells of each row of a table.
fn rows(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (first, second) = (cells.next()?, cells.next()?);
        let second = second.trim_end_matches(" |");
        (!first.starts_with('-')).then(|| (first.to_owned(), second.to_owned()))
    })
}

/// A word that the glossary explains a second time.
fn twice(glossary: &str) -> Vec<String> {
    let (explained, _) = glossary.split_once(REFUSED).unwrap_or((glossary, ""));
    let mut known = BTreeSet::new();
    rows(explained)
        .filter(|(word, _)| word != "word" && !known.insert(word.clone()))
        .map(|(word, _)| format!("{GLOSSARY}: `{word}` stands there twice"))
        .collect()
}

fn refused_words(name: &str, text: &str, refused: &[(String, String)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in prose(text) {
        let line = line.to_lowercase();
        for (not, but) in refused {
            if has_word(&line, not) {
                complaints.push(format!("{name}:{number}: `{not}`: say `{but}`"));
            }
        }
    }
    complaints
}

/// Whether the words stand in a line by themselves, or in the plural.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..]
            .trim_start_matches('s')
            .chars()
            .next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// Numbered lines of a page outside of its blocks of code, without what stands in backticks.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            return None;
        }
        let said = line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
        (!is_code).then_some((at + 1, said))
    })
}

fn dead_links(root: &Path, page: &Path, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in prose(text) {
        for target in targets(&line) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = match file {
                "" => root.join(page),
                file => root.join(page).parent().unwrap_or(root).join(file),
            };
            let why = if !to.exists() {
                "leads nowhere"
            } else if !anchor.is_empty() && !has_heading(&to, anchor) {
                "names no heading there"
            } else {
                continue;
            };
            complaints.push(format!(
                "{}:{number}: the link {target} {why}",
                page.display()
            ));
        }
    }
    complaints
}

/// Where a line links to inside the repository.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| {
        let (target, _) = line[at + 2..].split_once(')')?;
        let is_ours = !target.contains("://") && !target.starts_with("mailto:");
        is_ours.then_some(target)
    })
}

fn has_heading(page: &Path, anchor: &str) -> bool {
    let text = fs::read_to_string(page).unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with('#'))
        .any(|line| slug(line.trim_start_matches('#').trim()) == anchor)
}

/// What a heading is called in links, as GitHub makes it.
fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            letter if letter.is_alphanumeric() => Some(letter),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOSSARY_OF_TWO: &str = "| word | what | where |\n|---|---|---|\n| pool | x | y |\n| pool | z | y |\n\
                                   ## Not said here\n| not | but |\n|---|---|\n| swap hole, aToken | pool |\n";

    #[test]
    fn the_glossary_says_each_word_once_and_refuses_others() {
        let refused = refused(GLOSSARY_OF_TWO).expect("a table");
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert_eq!(refused[1], ("atoken".to_owned(), "pool".to_owned()));
        assert_eq!(twice(GLOSSARY_OF_TWO).len(), 1);
        let count = |text: &str| refused_words("a.md", text, &refused).len();
        assert_eq!(count("A Swap hole, and swap holes.\nmy aToken"), 2);
        assert_eq!(count("`aToken` and catoken and NotAToken"), 0);
        assert_eq!(count("```\naToken\n```\nfine"), 0);
    }

    #[test]
    fn headings_are_named_as_links_name_them() {
        assert_eq!(slug("Is it alive, is it well?"), "is-it-alive-is-it-well");
        assert_eq!(slug("The chain's own dollar"), "the-chains-own-dollar");
        let found: Vec<_> = targets("see [a](b.md#c) and [d](https://e/f)").collect();
        assert_eq!(found, ["b.md#c"]);
    }
}
