//! The page that a node serves, built from `web/` and carried inside the program.
//!
//! What lies in `web/dist` when this crate is compiled is embedded, each file with its hash; without it, a page of two
//! files that says how to get the real one (`without/`). It is a crate of its own so that a change of the page compiles
//! nothing but this and the program.
//!
//! Not here: how files are served (`capstan_rpc`'s `site`), what the page does (`web/`).

use capstan_rpc::SiteFile;

include!(concat!(env!("OUT_DIR"), "/files.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    /// RPC-30
    #[test]
    fn the_page_has_its_door_and_says_what_it_asks_for() {
        let door = SITE.iter().find(|file| file.path == "index.html");
        let door = door.expect("a page has an index.html");
        let text = std::str::from_utf8(door.bytes).expect("text");
        for attribute in ["src=\"", "href=\""] {
            for named in text.split(attribute).skip(1) {
                let named = named.split('"').next().expect("an end");
                let path = named.trim_start_matches("./").trim_start_matches('/');
                // Pictures inside the text, and places that are no files, are not asked for as files.
                let is_file = !named.contains(':') && named.contains('.');
                assert!(
                    !is_file || SITE.iter().any(|file| file.path == path),
                    "index.html names {named}, which is not embedded"
                );
            }
        }
    }

    #[test]
    fn files_stand_in_order_once_each() {
        assert!(SITE.is_sorted_by(|one, next| one.path < next.path));
    }
}
