use alloy_primitives::B256;

use super::{
    Programs,
    classes::{Able, proven_together, unread},
};

const OWN: B256 = B256::repeat_byte(1);
const UPSTREAM: B256 = B256::repeat_byte(2);

fn able(class_id: u32, program: B256, is_named: bool) -> Able {
    Able {
        class_id,
        program,
        is_by_words: false,
        is_named,
    }
}

fn computed(programs: &[B256]) -> Programs {
    Programs {
        computed: programs.to_vec(),
        recited: Vec::new(),
    }
}

/// One missed challenge voids the proofs of all classes: `all` does not put a class without an engine beside one with it.
#[test]
fn all_leaves_out_what_would_void_the_proofs_of_others() {
    let both = [able(7, OWN, false), able(9, UPSTREAM, false)];
    let chosen = proven_together(&both, &computed(&[OWN]), Vec::new());
    assert_eq!(chosen.class_ids, [7]);
    assert!(chosen.remarks[0].starts_with("class 9 is left out: "));
    // By its number it is sold, with a warning.
    let named = [able(9, UPSTREAM, true), able(7, OWN, false)];
    let chosen = proven_together(&named, &computed(&[OWN]), Vec::new());
    assert_eq!(chosen.class_ids, [9, 7]);
    assert!(chosen.remarks[0].starts_with("warning: class 9 is sold"));
    // Where nothing has an engine, or everything, nothing is at risk.
    for programs in [&[][..], &[OWN, UPSTREAM]] {
        let chosen = proven_together(&both, &computed(programs), Vec::new());
        assert_eq!(chosen.class_ids, [7, 9]);
        assert!(chosen.remarks.is_empty());
    }
}

/// What a server recites proves a class that is judged by words, and no other.
#[test]
fn what_is_recited_proves_what_is_judged_by_words() {
    let programs = Programs {
        computed: vec![OWN],
        recited: vec![OWN, UPSTREAM],
    };
    let in_words = |class_id, program| Able {
        is_by_words: true,
        ..able(class_id, program, false)
    };
    let all = [
        able(7, OWN, false),
        in_words(8, UPSTREAM),
        able(9, UPSTREAM, false),
    ];
    let chosen = proven_together(&all, &programs, Vec::new());
    assert_eq!(chosen.class_ids, [7, 8]);
    assert!(chosen.remarks[0].starts_with("class 9 is left out: no bundled engine"));
    assert_eq!(unread(&in_words(8, UPSTREAM), &programs), None);
    let unknown = unread(&in_words(10, B256::repeat_byte(3)), &programs);
    assert!(unknown.is_some_and(|why| why.contains("--runs NAME=WEIGHTS")));
}
