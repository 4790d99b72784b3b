//! What a sidecar says about running its block in parallel: who waits for whom, the longest chain of waiting, and what so
//! many cores would make of it.
//!
//! A transaction waits for the last one before it that wrote what it reads or writes, and for all that have added to it
//! since. One that only adds waits for nobody: sums are folded in when somebody looks. Gas stands for time.
//!
//! ```text
//!   write 0 ──► delta 1   delta 2          write 0, then 1 and 2 may run at once;
//!                   └──┬─────┘             whoever looks waits for all three, by one fold
//!                    fold ──► read 3
//! ```

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{Access, Sidecar};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// Gas of all transactions.
    pub gas: u64,
    /// Gas of the longest chain of transactions of which each waits for the one before.
    pub critical_gas: u64,
    /// That chain, by place in the block.
    pub critical_path: Vec<usize>,
    /// Gas of the dearest transaction: all that a verifier has to wait for, as it needs no order.
    pub largest_gas: u64,
    /// Places that somebody waited for, those with most waiting first.
    pub hot: Vec<Hot>,
    /// Of each transaction, at which places it waits for which node.
    waits: Vec<Vec<(u32, usize)>>,
    nodes: Vec<Node>,
    transaction_count: usize,
}

/// One place of the block, and how it was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hot {
    /// Its number in the block's list.
    pub place: u32,
    /// Transactions that only looked.
    pub read_count: u32,
    /// Transactions that wrote.
    pub write_count: u32,
    /// Transactions that only added.
    pub delta_count: u32,
    /// Transactions that had to wait for an earlier one because of it.
    pub wait_count: u32,
}

/// Somebody whom a transaction waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The place at which it waits.
    pub place: u32,
    /// Of the transactions that it waits for there, the one that is done last.
    pub behind: usize,
}

/// Where and when one transaction runs in a projection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Number of the core.
    pub core: usize,
    /// Gas from the beginning of the block on.
    pub start_gas: u64,
}

/// A transaction, or a fold: something of no length that waits for several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    gas: u64,
    /// Who waits for it.
    next: Vec<usize>,
    /// For how many it waits.
    waits: usize,
    /// Gas from the beginning of the longest chain to its end.
    finish: u64,
    /// What it waits for longest.
    behind: Option<usize>,
}

/// What was done to one place so far.
#[derive(Default)]
struct Used {
    /// Everything exact up to now is behind this: a write, or a fold of what was added since.
    last: Option<usize>,
    /// Transactions that added since.
    deltas: Vec<usize>,
    hot: Hot,
}

/// Finds out who waits for whom.
pub fn analyse(sidecar: &Sidecar) -> Analysis {
    let mut graph = Analysis {
        transaction_count: sidecar.rows.len(),
        nodes: vec![Node::default(); sidecar.rows.len()],
        waits: vec![Vec::new(); sidecar.rows.len()],
        ..Analysis::default()
    };
    let mut places = BTreeMap::<u32, Used>::new();
    for (number, row) in sidecar.rows.iter().enumerate() {
        for (place, access) in &row.accesses {
            let used = places.entry(*place).or_default();
            used.hot.place = *place;
            graph.access(number, *access, used);
        }
        graph.end(number, row.gas);
    }
    let mut hot: Vec<Hot> = places.into_values().map(|used| used.hot).collect();
    hot.retain(|hot| hot.wait_count > 0);
    hot.sort_by_key(|hot| (Reverse(hot.wait_count), hot.place));
    graph.hot = hot;
    graph.find_path();
    graph
}

impl Analysis {
    fn access(&mut self, number: usize, access: Access, used: &mut Used) {
        match access {
            Access::Delta => {
                used.hot.delta_count += 1;
                used.deltas.push(number);
                return;
            }
            Access::Read => used.hot.read_count += 1,
            Access::Write => used.hot.write_count += 1,
        }
        if !used.deltas.is_empty() {
            let fold = self.nodes.len();
            self.nodes.push(Node::default());
            for before in used.last.into_iter().chain(used.deltas.drain(..)) {
                self.wait(fold, before);
            }
            used.last = Some(fold);
        }
        if let Some(last) = used.last {
            used.hot.wait_count += 1;
            self.waits[number].push((used.hot.place, last));
            self.wait(number, last);
        }
        if access == Access::Write {
            used.last = Some(number);
        }
    }

    fn wait(&mut self, node: usize, before: usize) {
        self.nodes[before].next.push(node);
        let finish = self.nodes[before].finish;
        let node = &mut self.nodes[node];
        node.waits += 1;
        if node.behind.is_none() || finish > node.finish {
            node.finish = finish;
            node.behind = Some(before);
        }
    }

    fn end(&mut self, number: usize, gas: u64) {
        let node = &mut self.nodes[number];
        node.gas = gas;
        node.finish = node.finish.saturating_add(gas);
        self.gas = self.gas.saturating_add(gas);
        self.largest_gas = self.largest_gas.max(gas);
    }

    fn find_path(&mut self) {
        let ends = self.nodes.iter().enumerate().take(self.transaction_count);
        let Some((mut at, last)) =
            ends.max_by_key(|(number, node)| (node.finish, Reverse(*number)))
        else {
            return;
        };
        self.critical_gas = last.finish;
        loop {
            if at < self.transaction_count {
                self.critical_path.push(at);
            }
            match self.nodes[at].behind {
                Some(before) => at = before,
                None => break,
            }
        }
        self.critical_path.reverse();
    }

    /// Average parallelism in thousandths: all gas over the gas of the longest chain.
    pub fn parallelism_milli(&self) -> u64 {
        ratio_milli(self.gas, self.critical_gas)
    }

    /// What so many cores would gain over one, in thousandths, if gas were time and nothing were lost: whenever a core is
    /// free it takes the first transaction that waits for nobody any more. A projection, not a measurement.
    pub fn projected_milli(&self, cores: usize) -> u64 {
        ratio_milli(self.gas, self.makespan(cores))
    }

    /// The same for a verifier, whose transactions wait for nobody.
    pub fn projected_verify_milli(&self, cores: usize) -> u64 {
        ratio_milli(self.gas, self.verify_makespan(cores))
    }

    /// When the last of so many cores of a verifier is done, in gas.
    pub fn verify_makespan(&self, cores: usize) -> u64 {
        let free: Vec<Node> = self.nodes[..self.transaction_count]
            .iter()
            .map(|node| Node {
                gas: node.gas,
                ..Node::default()
            })
            .collect();
        let free = Self {
            nodes: free,
            transaction_count: self.transaction_count,
            ..Self::default()
        };
        free.makespan(cores)
    }

    /// Whom a transaction waits for, one for each place at which it does.
    pub fn waits(&self, transaction: usize) -> Vec<Wait> {
        let waits = self.waits.get(transaction).into_iter().flatten();
        waits
            .filter_map(|(place, node)| {
                Some(Wait {
                    place: *place,
                    behind: self.last_of(*node)?,
                })
            })
            .collect()
    }

    /// The transaction that a node ends with: itself, or the last one that a fold waits for.
    fn last_of(&self, mut node: usize) -> Option<usize> {
        while node >= self.transaction_count {
            node = self.nodes[node].behind?;
        }
        Some(node)
    }

    /// When the last of so many cores is done, in gas.
    pub fn makespan(&self, cores: usize) -> u64 {
        let mut end = 0;
        self.run_on(cores, |number, slot| {
            end = end.max(slot.start_gas.saturating_add(self.nodes[number].gas));
        });
        end
    }

    /// How so many cores would share the transactions: the projection of [`Self::projected_milli`], one by one.
    pub fn schedule(&self, cores: usize) -> Vec<Slot> {
        let mut slots = vec![Slot::default(); self.transaction_count];
        self.run_on(cores, |number, slot| slots[number] = slot);
        slots
    }

    /// Whenever a core is free, the one of the lowest number takes the first transaction that waits for nobody.
    fn run_on(&self, cores: usize, mut begun: impl FnMut(usize, Slot)) {
        let mut waits: Vec<usize> = self.nodes.iter().map(|node| node.waits).collect();
        let mut ready = BinaryHeap::new();
        let mut running = BinaryHeap::<Reverse<(u64, usize, usize)>>::new();
        let mut free: BinaryHeap<Reverse<usize>> = (0..cores.max(1)).map(Reverse).collect();
        let mut now = 0_u64;
        for (number, node) in self.nodes.iter().enumerate() {
            if node.waits == 0 {
                ready.push(Reverse(number));
            }
        }
        loop {
            while let (Some(Reverse(core)), Some(Reverse(number))) = (free.peek(), ready.peek()) {
                let (core, number) = (*core, *number);
                free.pop();
                ready.pop();
                let start_gas = now;
                begun(number, Slot { core, start_gas });
                let end = now.saturating_add(self.nodes[number].gas);
                running.push(Reverse((end, number, core)));
            }
            let Some(Reverse((end, number, core))) = running.pop() else {
                return;
            };
            now = end;
            free.push(Reverse(core));
            self.release(number, &mut waits, &mut ready);
        }
    }

    /// One is done: who waited for it alone is ready, and folds are done at once.
    fn release(&self, number: usize, waits: &mut [usize], ready: &mut BinaryHeap<Reverse<usize>>) {
        let mut done = vec![number];
        while let Some(number) = done.pop() {
            for next in &self.nodes[number].next {
                waits[*next] -= 1;
                if waits[*next] == 0 {
                    match *next < self.transaction_count {
                        true => ready.push(Reverse(*next)),
                        false => done.push(*next),
                    }
                }
            }
        }
    }
}

fn ratio_milli(whole: u64, part: u64) -> u64 {
    match part {
        0 => 1_000,
        part => {
            let ratio = u128::from(whole) * 1_000 / u128::from(part);
            u64::try_from(ratio).unwrap_or(u64::MAX)
        }
    }
}
