//! A plan, its steps and what forbids it, as names with values. Pure.

use std::collections::BTreeMap;

use whinchat_provision::{
    Difference, MESSAGES, Plan, Refusal, Step,
    verify::{Finding, Report, Verdict},
};

use crate::bridge::{
    SetUpAddresses, SetUpDeed as Deed, SetUpFinding, SetUpKept, SetUpKnown,
    SetUpObstacle as Obstacle, SetUpPlan, SetUpProof, SetUpRefusal, SetUpStep,
    SetUpSubject as Subject, SetUpVerdict,
};

type Args = BTreeMap<String, String>;

fn args<const N: usize>(pairs: [(&str, &str); N]) -> Args {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The whole plan; what the owner says of themselves stands beside it.
pub fn plan(plan: &Plan) -> SetUpPlan {
    SetUpPlan {
        hash: plan.hash(),
        steps: plan.steps.iter().map(step).collect(),
        refusals: plan.refusals.iter().map(refusal).collect(),
        kept: plan.differences.iter().map(kept).collect(),
        roles: plan.roles.clone(),
        addresses: SetUpAddresses::default(),
    }
}

fn kept(difference: &Difference) -> SetUpKept {
    SetUpKept {
        what: difference.field.clone(),
        found: difference.found.clone(),
        wanted: difference.expected.clone(),
    }
}

/// One step.
pub fn step(step: &Step) -> SetUpStep {
    let of_field = |deed, collection: &str, field: &str| {
        let values = args([("collection", collection), ("field", field)]);
        (about(collection), deed, values)
    };
    let of_policy = |deed, policy: &str, permission: &whinchat_provision::Permission| {
        let action = permission.action.name();
        let collection = permission.collection;
        let values = args([
            ("policy", policy),
            ("action", action),
            ("collection", collection),
        ]);
        (about(collection), deed, values)
    };
    let (subject, deed, args) = match step {
        Step::MakeCollection(collection) => {
            let values = args([("collection", collection.name)]);
            (about(collection.name), Deed::MakeCollection, values)
        }
        Step::EndHistory(collection) => {
            let values = args([("collection", collection)]);
            (about(collection), Deed::EndHistory, values)
        }
        Step::AddField(collection, field) => of_field(Deed::AddField, collection, field.name),
        Step::AddRelation(collection, field) => of_field(Deed::AddRelation, collection, field.name),
        Step::SetRelation(collection, field) => of_field(Deed::SetRelation, collection, field.name),
        Step::AddReverse(reverse) => {
            let values = args([
                ("collection", reverse.collection),
                ("field", reverse.name),
                ("from", reverse.from),
            ]);
            (about(reverse.from), Deed::AddReverse, values)
        }
        Step::ClearStamp(collection, field) => of_field(Deed::ClearStamp, collection, field.name),
        Step::SetFlags(collection, field) => of_field(Deed::SetFlags, collection, field.name),
        Step::MakeRole(role) => (Subject::Access, Deed::MakeRole, args([("role", role)])),
        Step::MakeFolder(folder) => {
            let values = args([("folder", folder)]);
            (Subject::Access, Deed::MakeFolder, values)
        }
        Step::MakePolicy(policy) => {
            let values = args([("policy", policy)]);
            (Subject::Access, Deed::MakePolicy, values)
        }
        Step::AttachPolicy(policy, role) => {
            let values = args([("policy", policy), ("role", role)]);
            (Subject::Access, Deed::AttachPolicy, values)
        }
        Step::AddPermission(policy, permission) => {
            of_policy(Deed::AddPermission, policy, permission)
        }
        Step::SetPermission(policy, _, permission) => {
            of_policy(Deed::SetPermission, policy, permission)
        }
        Step::FillIn(fill) => {
            let (to, from) = fill.fields();
            let values = args([("collection", MESSAGES), ("field", to), ("from", from)]);
            (Subject::Messages, Deed::FillIn, values)
        }
        Step::RecordAddress(field, address) => {
            let values = args([
                ("field", field),
                ("address", address.as_deref().unwrap_or_default()),
            ]);
            (Subject::Record, Deed::RecordAddress, values)
        }
        Step::RecordVersion(version) => {
            let values = args([("version", &version.to_string())]);
            (Subject::Record, Deed::RecordVersion, values)
        }
    };
    SetUpStep {
        subject,
        deed,
        args,
    }
}

/// What a collection is about. One that nobody has thought of yet is the server's own affair.
fn about(collection: &str) -> Subject {
    match collection {
        MESSAGES => Subject::Messages,
        "chat_groups" | "chat_members" => Subject::Groups,
        "chat_attachments" | "directus_files" => Subject::Files,
        "chat_reactions" => Subject::Reactions,
        "chat_read_states" => Subject::Reading,
        "chat_prefs" => Subject::Settings,
        "chat_typing" => Subject::Typing,
        "chat_presence" => Subject::Presence,
        "chat_blocks" => Subject::Blocks,
        "chat_reports" => Subject::Reports,
        "directus_users" => Subject::People,
        _ => Subject::Record,
    }
}

fn refusal(refusal: &Refusal) -> SetUpRefusal {
    let (code, args) = match refusal {
        Refusal::NotAdministrator => (Obstacle::NotAdministrator, Args::new()),
        Refusal::OldDirectus { found } => {
            let (major, minor) = whinchat_provision::OLDEST;
            let oldest = format!("{major}.{minor}");
            let found = found.as_deref().unwrap_or("?");
            (
                Obstacle::OldDirectus,
                args([("found", found), ("oldest", &oldest)]),
            )
        }
        Refusal::Licence { version } => (Obstacle::Licence, args([("version", version)])),
        Refusal::WebSocketsOff => (Obstacle::WebSocketsOff, Args::new()),
        Refusal::NewerSchema { found } => {
            (Obstacle::NewerSchema, args([("found", &found.to_string())]))
        }
        Refusal::ForeignCollection {
            collection,
            because,
        } => (
            Obstacle::ForeignCollection,
            args([("collection", collection), ("because", because)]),
        ),
        Refusal::NeededField { field } => (Obstacle::NeededField, args([("field", field)])),
        Refusal::DanglingKeys { field, found } => (
            Obstacle::DanglingKeys,
            args([
                ("field", field),
                ("rows", &found.rows.to_string()),
                ("to", &found.to),
                ("example", &found.example),
            ]),
        ),
        Refusal::PointedAt { field, to } => {
            (Obstacle::PointedAt, args([("field", field), ("to", to)]))
        }
        Refusal::UnknownRole { name, found } => (
            Obstacle::UnknownRole,
            args([("name", name), ("found", &found.to_string())]),
        ),
    };
    SetUpRefusal { code, args }
}

/// What came of a proof.
pub fn proof(report: &Report) -> SetUpProof {
    let count = report.count();
    SetUpProof {
        private: report.is_private(),
        attacks: number(count.attacks),
        refused: number(count.refused),
        leaks: number(count.leaks),
        allowed: number(count.allowed),
        ok: number(count.ok),
        wrong: report.findings.iter().filter_map(finding).collect(),
        known: report
            .known()
            .into_iter()
            .map(|(reason, times)| SetUpKnown {
                reason,
                times: number(times),
            })
            .collect(),
        limits: report.limits.clone(),
        left: report.left.clone(),
    }
}

/// What did not end as it should; the rest is only counted.
fn finding(finding: &Finding) -> Option<SetUpFinding> {
    let verdict = match finding.verdict {
        Verdict::Leaked => SetUpVerdict::Leaked,
        Verdict::NotAllowed => SetUpVerdict::NotAllowed,
        Verdict::Unclear(_) => SetUpVerdict::Unclear,
        Verdict::Refused | Verdict::Known(_) | Verdict::Allowed => return None,
    };
    Some(SetUpFinding {
        name: finding.name.clone(),
        verdict,
        would: finding.would.clone(),
        request: finding.request.clone(),
        answer: finding.answer.clone(),
    })
}

/// A count as the bridge has it.
pub fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use whinchat_provision::{Fill, Kind, SETUP, Schema, ServerFacts, State};

    use super::*;

    fn whole(change: impl FnOnce(&mut State)) -> SetUpPlan {
        let mut state = State {
            server: Some(ServerFacts {
                version: Some("11.17.4".to_owned()),
                websockets: true,
                administrator: true,
                rules_allowed: true,
            }),
            ..State::default()
        };
        change(&mut state);
        plan(&whinchat_provision::plan(&Schema::of(Kind::Full), &state))
    }

    #[test]
    fn every_collection_of_the_schema_has_a_subject_and_every_step_its_values() {
        let made = whole(|state| state.unfilled = Fill::ALL.into());
        assert!(made.steps.len() > 60, "{}", made.steps.len());
        for collection in Schema::of(Kind::Full).collections {
            let own = collection.name == SETUP;
            assert_eq!(
                about(collection.name) == Subject::Record,
                own,
                "{}",
                collection.name
            );
        }
        let subjects: BTreeSet<String> = made
            .steps
            .iter()
            .map(|step| format!("{:?}", step.subject))
            .collect();
        assert_eq!(subjects.len(), 13, "{subjects:?}");
        let first = made.steps.first().unwrap();
        assert_eq!(
            (first.deed, &first.args["collection"][..]),
            (Deed::MakeCollection, SETUP)
        );
        let last = made.steps.last().unwrap();
        assert_eq!(
            (last.deed, &last.args["version"][..]),
            (Deed::RecordVersion, "3")
        );
        assert!(made.steps.iter().any(|step| {
            step.deed == Deed::AddPermission
                && step.subject == Subject::Messages
                && step.args["action"] == "create"
                && step.args["policy"] == "Chat"
        }));
        assert_eq!(made.roles, ["Chat"]);
        assert_eq!(made.hash.len(), 64);
    }

    #[test]
    fn what_forbids_it_is_told_with_its_values() {
        let made = whole(|state| {
            let facts = state.server.as_mut().unwrap();
            facts.version = Some("11.2.0".to_owned());
            facts.websockets = false;
        });
        let codes: Vec<Obstacle> = made.refusals.iter().map(|refusal| refusal.code).collect();
        assert_eq!(codes, [Obstacle::OldDirectus, Obstacle::WebSocketsOff]);
        let old = &made.refusals.first().unwrap().args;
        assert_eq!((&old["found"][..], &old["oldest"][..]), ("11.2.0", "11.17"));
    }
}
