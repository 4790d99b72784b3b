use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::*;

/// Random writes, cuts and growths over a file read as over a vector, and the file keeps its bytes.
#[test]
fn reads_as_if_it_had_been_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for seed in 0..20 {
        let mut rng = StdRng::seed_from_u64(seed);
        let stored: Vec<u8> = (0..rng.random_range(0..20_000))
            .map(|_| rng.random())
            .collect();
        std::fs::write(&path, &stored).unwrap();
        let disk = LookedDisk::open(folder.path());
        let file = disk.open("file").unwrap();
        let mut model = stored.clone();
        for step in 0..200 {
            let offset = rng.random_range(0..=model.len() + 5_000);
            match rng.random_range(0..3) {
                0 => {
                    let data: Vec<u8> = (0..rng.random_range(0..9_000))
                        .map(|_| rng.random())
                        .collect();
                    file.write_at(offset as u64, &data).unwrap();
                    let end = offset + data.len();
                    model.resize(model.len().max(end), 0);
                    model[offset..end].copy_from_slice(&data);
                }
                1 => {
                    file.set_len(offset as u64).unwrap();
                    model.resize(offset, 0);
                }
                _ => {
                    let from = offset.min(model.len());
                    let mut read = vec![7; rng.random_range(0..=model.len() - from)];
                    file.read_at(from as u64, &mut read).unwrap();
                    assert_eq!(
                        read,
                        model[from..from + read.len()],
                        "seed {seed} step {step}"
                    );
                }
            }
            assert_eq!(file.len().unwrap(), model.len() as u64);
        }
        let end = model.len() as u64;
        assert!(file.read_at(end, &mut [0]).is_err(), "behind the end");
        assert_eq!(std::fs::read(&path).unwrap(), stored);
    }
}

/// Names: what is made, opened and removed, over what is there.
#[test]
fn names_as_if_they_had_been_changed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "a").unwrap();
    std::fs::write(folder.path().join("b"), "b").unwrap();
    let disk = LookedDisk::open(folder.path());
    assert!(disk.open("c").is_err());
    disk.create("c").unwrap().write_at(0, b"c").unwrap();
    disk.remove("a").unwrap();
    assert!(disk.open("a").is_err() && disk.remove("a").is_err());
    assert_eq!(disk.list().unwrap(), ["b", "c"]);
    assert!(disk.create("a").unwrap().is_empty().unwrap(), "made anew");
    assert_eq!(disk.list().unwrap(), ["a", "b", "c"]);
    assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"a");
    assert!(!folder.path().join("c").exists());
}
