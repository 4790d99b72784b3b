//! `capstan admin roles` and `reporters`: who may do what, and since or until when.

use alloy_primitives::Address;
use capstan_client::{Administration, Node, administration, role_name, role_number, scope_name};
use capstan_contracts::{
    admin::{self, IAdmin},
    oracle::{self, IOracle, REPORT},
};
use eyre::{OptionExt as _, Result};
use serde_json::json;

use super::Change;
use crate::{
    args::{AskOptions, ReportersCommand, RoleArgs, RolesCommand},
    table::Table,
    words::{lasting, time, when},
};

pub(super) async fn roles(command: &RolesCommand) -> Result<()> {
    match command {
        RolesCommand::List(ask) => list(ask).await,
        RolesCommand::Grant {
            signing,
            role,
            lasts,
        } => {
            let mut change = Change::begin(signing)?;
            grant(&mut change, role, lasts.map(|lasts| lasts.as_millis())).await?;
            change.carry_out(signing).await
        }
        RolesCommand::Revoke { signing, role } => {
            let mut change = Change::begin(signing)?;
            let number = number_of(role.scope, &role.role)?;
            revoke(&mut change, role.scope, number, role.holder);
            change.carry_out(signing).await
        }
        RolesCommand::Delay {
            signing,
            scope,
            role,
            delay,
        } => {
            let mut change = Change::begin(signing)?;
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            set_delay(&mut change, *scope, number_of(*scope, role)?, delay_ms).await?;
            change.carry_out(signing).await
        }
        RolesCommand::Offer {
            signing,
            scope,
            new_owner,
        } => {
            let mut change = Change::begin(signing)?;
            let name = scope_name(*scope);
            let word = if new_owner.is_zero() {
                format!("withdraws the offer of {name}, now")
            } else {
                format!(
                    "offers {name} to {new_owner}; you own it until he accepts: capstan admin roles accept {name}"
                )
            };
            let call = IAdmin::offerOwnershipCall {
                scope: *scope,
                newOwner: *new_owner,
            };
            change.receiver(*new_owner);
            change.step(admin::ADDRESS, &call, vec![word]);
            change.carry_out(signing).await
        }
        RolesCommand::Accept { signing, scope } => {
            let mut change = Change::begin(signing)?;
            let name = scope_name(*scope);
            let before = IAdmin::ownerOfCall { scope: *scope };
            let before = change.node.view(admin::ADDRESS, &before).await?;
            let word = format!("{name} belongs to you instead of {before}, now");
            let call = IAdmin::acceptOwnershipCall { scope: *scope };
            change.step(admin::ADDRESS, &call, vec![word]);
            change.carry_out(signing).await
        }
    }
}

fn number_of(scope: Address, role: &str) -> Result<u32> {
    role_number(scope, role).ok_or_eyre(format!(
        "{} has no role `{role}`: write its name or its number",
        scope_name(scope)
    ))
}

async fn grant(change: &mut Change, role: &RoleArgs, lasts_ms: Option<u128>) -> Result<()> {
    let number = number_of(role.scope, &role.role)?;
    let now_ms = change.node.head_time_ms().await?;
    let expires_ms =
        lasts_ms.map(|lasts| now_ms.saturating_add(lasts.try_into().unwrap_or(u64::MAX)));
    step_of_grant(change, role.scope, number, role.holder, expires_ms).await
}

/// One grant, with the delay that it waits.
async fn step_of_grant(
    change: &mut Change,
    scope: Address,
    role: u32,
    holder: Address,
    expires_ms: Option<u64>,
) -> Result<()> {
    let node = &change.node;
    let now_ms = node.head_time_ms().await?;
    let delay = IAdmin::roleDelayMsCall { scope, role };
    let delay_ms = node.view(admin::ADDRESS, &delay).await?;
    let asked = IAdmin::hasRoleCall {
        scope,
        role,
        account: holder,
    };
    let holds = node.view(admin::ADDRESS, &asked).await?;
    let mut words = vec![format!(
        "grants {} of {} to {holder}: counts {}{}",
        role_name(scope, role),
        scope_name(scope),
        when(now_ms, now_ms.saturating_add(delay_ms)),
        expires_ms.map_or(String::new(), |at| format!(", until {}", time(at)))
    )];
    if holds && delay_ms > 0 {
        words.push("  note: he holds it now, and would not until then".to_owned());
    }
    let call = IAdmin::grantRoleCall {
        scope,
        role,
        holder,
        expiresMs: expires_ms.unwrap_or(0),
    };
    change.receiver(holder);
    change.step(admin::ADDRESS, &call, words);
    Ok(())
}

fn revoke(change: &mut Change, scope: Address, role: u32, holder: Address) {
    let word = format!(
        "takes {} of {} from {holder}, now",
        role_name(scope, role),
        scope_name(scope)
    );
    let call = IAdmin::revokeRoleCall {
        scope,
        role,
        holder,
    };
    change.step(admin::ADDRESS, &call, vec![word]);
}

async fn set_delay(change: &mut Change, scope: Address, role: u32, delay_ms: u64) -> Result<()> {
    let now_ms = change.node.head_time_ms().await?;
    let present = IAdmin::roleDelayMsCall { scope, role };
    let present_ms = change.node.view(admin::ADDRESS, &present).await?;
    // ADM-4: a shorter one waits as long as the present one lasts.
    let wait_ms = if delay_ms < present_ms { present_ms } else { 0 };
    let word = format!(
        "grants of {} of {} wait {} instead of {}: counts {}",
        role_name(scope, role),
        scope_name(scope),
        lasting(delay_ms),
        lasting(present_ms),
        when(now_ms, now_ms.saturating_add(wait_ms))
    );
    let call = IAdmin::setRoleDelayCall {
        scope,
        role,
        delayMs: delay_ms,
    };
    change.step(admin::ADDRESS, &call, vec![word]);
    Ok(())
}

async fn list(ask: &AskOptions) -> Result<()> {
    let known = administration(&Node::new(&ask.rpc)?).await?;
    if ask.json {
        println!("{:#}", json!(known));
        return Ok(());
    }
    let Administration {
        now_ms,
        scopes,
        grants,
        delays,
    } = known;
    let mut table = Table::new(["contract", "owner"]);
    for scope in &scopes {
        table.row([scope.name.clone(), scope.owner.to_string()]);
    }
    println!("{table}");
    for scope in &scopes {
        if let Some(to) = scope.offered_to {
            println!("{} is offered to {to}\n", scope.name);
        }
    }
    if grants.is_empty() {
        println!("nobody holds a role");
    }
    // A line of its own for each holder: an address and two moments are more than eighty columns beside a role.
    for grant in grants {
        println!("{} of {}", grant.name, scope_name(grant.scope));
        println!("  {}", grant.holder);
        println!(
            "  counts {}, {}",
            when(now_ms, grant.effective_ms),
            grant
                .expires_ms
                .map_or("for ever".into(), |at| format!("until {}", time(at)))
        );
    }
    for delay in delays {
        println!(
            "a grant of {} of {} waits {}{}",
            delay.name,
            scope_name(delay.scope),
            lasting(delay.delay_ms),
            if delay.next_from_ms > now_ms {
                format!(
                    "; {} {}",
                    lasting(delay.next_ms),
                    when(now_ms, delay.next_from_ms)
                )
            } else {
                String::new()
            }
        );
    }
    Ok(())
}

pub(super) async fn reporters(command: &ReportersCommand) -> Result<()> {
    match command {
        ReportersCommand::List(ask) => list_reporters(ask).await,
        ReportersCommand::Add { signing, reporter } => {
            let mut change = Change::begin(signing)?;
            let standing = Standing::of(&change.node, *reporter).await?;
            if standing.expires_ms <= standing.now_ms {
                step_of_grant(&mut change, oracle::ADDRESS, REPORT, *reporter, None).await?;
            }
            if !standing.is_listed {
                let word = format!("puts {reporter} into the list of reporters, now");
                let call = IOracle::addReporterCall {
                    reporter: *reporter,
                };
                change.step(oracle::ADDRESS, &call, vec![word]);
            }
            change.carry_out(signing).await
        }
        ReportersCommand::Remove { signing, reporter } => {
            let mut change = Change::begin(signing)?;
            let standing = Standing::of(&change.node, *reporter).await?;
            if standing.is_listed {
                let word = format!("takes {reporter} out of the list of reporters, now");
                let call = IOracle::removeReporterCall {
                    reporter: *reporter,
                };
                change.step(oracle::ADDRESS, &call, vec![word]);
            }
            if standing.expires_ms > standing.now_ms {
                revoke(&mut change, oracle::ADDRESS, REPORT, *reporter);
            }
            change.carry_out(signing).await
        }
    }
}

/// How somebody stands as a reporter.
struct Standing {
    now_ms: u64,
    is_listed: bool,
    effective_ms: u64,
    expires_ms: u64,
}

impl Standing {
    async fn of(node: &Node, reporter: Address) -> Result<Self> {
        let listed = node
            .view(oracle::ADDRESS, &IOracle::reportersCall {})
            .await?;
        let asked = IAdmin::grantOfCall {
            scope: oracle::ADDRESS,
            role: REPORT,
            account: reporter,
        };
        let grant = node.view(admin::ADDRESS, &asked).await?;
        Ok(Self {
            now_ms: node.head_time_ms().await?,
            is_listed: listed.contains(&reporter),
            effective_ms: grant.effectiveMs,
            expires_ms: grant.expiresMs,
        })
    }

    fn words(&self) -> String {
        if self.expires_ms <= self.now_ms {
            "does not count: he lacks the role".to_owned()
        } else if self.expires_ms == u64::MAX {
            format!("counts {}", when(self.now_ms, self.effective_ms))
        } else {
            format!(
                "counts {}, until {}",
                when(self.now_ms, self.effective_ms),
                time(self.expires_ms)
            )
        }
    }
}

async fn list_reporters(ask: &AskOptions) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let listed = node
        .view(oracle::ADDRESS, &IOracle::reportersCall {})
        .await?;
    let mut all = Vec::new();
    for reporter in listed {
        all.push((reporter, Standing::of(&node, reporter).await?));
    }
    if ask.json {
        let rows = all.iter().map(|(reporter, standing)| {
            let counts = (standing.effective_ms..standing.expires_ms).contains(&standing.now_ms);
            json!({"reporter": reporter, "counts": counts, "effectiveMs": standing.effective_ms, "expiresMs": standing.expires_ms})
        });
        println!("{:#}", json!(rows.collect::<Vec<_>>()));
        return Ok(());
    }
    if all.is_empty() {
        println!("nobody reports prices here");
        return Ok(());
    }
    let mut table = Table::new(["reporter", ""]);
    for (reporter, standing) in all {
        table.row([reporter.to_string(), standing.words()]);
    }
    print!("{table}");
    Ok(())
}
