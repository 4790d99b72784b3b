use super::*;

const SOURCE: &str = "\
interface ISome {
    /// A thing.
    /// It has two lines.
    struct Thing {
        /// So much.
        uint256 amount;
    }
    /// It happened.
    event Happened(address indexed who, uint256 amount);
    /// It may not. Do less.
    error TooMuch(uint256 most);

    /// Reads
    /// several lines.
    function thingOf(address who,
        uint8 index) external view returns (Thing memory, uint32[] memory);
    function bare(bytes calldata data) external payable;
}
";

#[test]
fn declarations_are_read_with_their_sentences() {
    let all = declarations(SOURCE);
    let found: Vec<_> = all
        .iter()
        .map(|one| (one.kind, &*one.name, &*one.doc))
        .collect();
    assert_eq!(
        found,
        [
            ("struct", "Thing", "A thing. It has two lines."),
            ("event", "Happened", "It happened."),
            ("error", "TooMuch", "It may not. Do less."),
            ("function", "thingOf", "Reads several lines."),
            ("function", "bare", ""),
        ]
    );
    let body = "struct Thing {\n    /// So much.\n    uint256 amount;\n}";
    assert_eq!(all[0].body, body);
    let shown: Vec<_> = all.iter().skip(1).map(Declaration::for_people).collect();
    assert_eq!(
        shown,
        [
            "Happened(address indexed who, uint256 amount)",
            "TooMuch(uint256 most)",
            "thingOf(address who, uint8 index) → (Thing, uint32[])",
            "bare(bytes data)",
        ]
    );
}
