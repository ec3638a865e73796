//! What is said about setting a server up: who does it, what is planned, how
//! far it is, and what came of it.
//!
//! Owns: those shapes. Never: a sentence. A step, a reason and what is kept
//! are names with values, of which each interface makes its own words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What beginning takes: an administrator's e-mail and password. Not a
/// [`super::Command`], as [`super::SignIn`] is none, and for the same reason.
#[derive(Clone, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpSignIn {
    /// The server, as `ServerFound.url` or as typed.
    pub server: String,
    /// E-mail.
    pub email: String,
    /// Password. It is used once, for a session of its own, and not kept.
    pub password: String,
    /// One-time code, where asked for.
    pub code: Option<String>,
}

/// What the owner says of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpAddresses {
    /// Where they are reached: `mailto:` or `https:`.
    pub contact: Option<String>,
    /// Where their terms are: `https:`.
    pub terms: Option<String>,
}

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum SetUpSubject {
    /// Messages.
    Messages,
    /// Groups and who is in them.
    Groups,
    /// Files in messages.
    Files,
    /// Reactions to messages.
    Reactions,
    /// What was read.
    Reading,
    /// Each person's own settings.
    Settings,
    /// Who is typing.
    Typing,
    /// Who is there.
    Presence,
    /// Who has blocked whom.
    Blocks,
    /// What people report to the owner.
    Reports,
    /// The directory of people.
    People,
    /// Who may chat: role, policies, folder.
    Access,
    /// What is written down about the server's state.
    Record,
}

/// What a step does. In braces, which values it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum SetUpDeed {
    /// Makes a collection with all its fields. {collection}
    MakeCollection,
    /// Keeps no copies any more of what rows were before. {collection}
    EndHistory,
    /// Adds a field. {collection, field}
    AddField,
    /// Adds the relation of a field. {collection, field}
    AddRelation,
    /// Corrects a relation. {collection, field}
    SetRelation,
    /// Adds the field that lists what points there. {collection, field, from}
    AddReverse,
    /// Stops a stamp while older rows are filled in. {collection, field}
    ClearStamp,
    /// Gives a field its flags again. {collection, field}
    SetFlags,
    /// Makes the role. {role}
    MakeRole,
    /// Makes the folder. {folder}
    MakeFolder,
    /// Makes a policy. {policy}
    MakePolicy,
    /// Gives a role a policy. {policy, role}
    AttachPolicy,
    /// Allows something. {policy, action, collection}; action is `read`, `create`, `update` or `delete`
    AddPermission,
    /// Corrects what is allowed. {policy, action, collection}
    SetPermission,
    /// Fills in what older rows lack. {collection, field, from}
    FillIn,
    /// Writes down an address of the owner's; empty to take it away. {field, address}
    RecordAddress,
    /// Writes down which version is there. {version}
    RecordVersion,
}

/// One change of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpStep {
    /// What it is about.
    pub subject: SetUpSubject,
    /// What it does.
    pub deed: SetUpDeed,
    /// With which values: names of collections, fields, roles and policies.
    pub args: BTreeMap<String, String>,
}

/// Why a server can't be set up as it is. In braces, which values it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum SetUpObstacle {
    /// Who asks is no administrator.
    NotAdministrator,
    /// The rules were not proven on so old a Directus. {found, oldest}
    OldDirectus,
    /// The server's licence forbids rules. {version}
    Licence,
    /// WebSockets are off.
    WebSocketsOff,
    /// A newer program has been here. {found}
    NewerSchema,
    /// A collection of that name is something else. {collection, because}
    ForeignCollection,
    /// A field of the owner's insists on a value. {field}
    NeededField,
    /// Values point nowhere. {field, rows, to, example}
    DanglingKeys,
    /// A field of the owner's points there. {field, to}
    PointedAt,
    /// A role is not there, or more than once. {name, found}
    UnknownRole,
}

/// One reason, with its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpRefusal {
    /// Which.
    pub code: SetUpObstacle,
    /// With which values.
    pub args: BTreeMap<String, String>,
}

/// Something of the owner's that is not as it would be made, and stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpKept {
    /// `collection.field`, or what else it is.
    pub what: String,
    /// What the server has.
    pub found: String,
    /// What would be made.
    pub wanted: String,
}

/// What has to be done so that people can chat on a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpPlan {
    /// Its fingerprint: 64 hexadecimal digits. The same server gives the same.
    pub hash: String,
    /// The steps, in the order they are done.
    pub steps: Vec<SetUpStep>,
    /// Why nothing can be done. With any of these nothing is.
    pub refusals: Vec<SetUpRefusal>,
    /// What is left as it is.
    pub kept: Vec<SetUpKept>,
    /// Names of the roles that may chat afterwards.
    pub roles: Vec<String>,
    /// What the owner says of themselves now.
    pub addresses: SetUpAddresses,
}

/// How far it is: told before each step, and before each attempt of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpProgress {
    /// The step that is being done, or the attempt that is being made, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// What is being done; null during a proof.
    pub step: Option<SetUpStep>,
    /// What is being tried, in English; null while a plan is applied.
    pub trying: Option<String>,
}

/// What came of applying a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpApplied {
    /// The fingerprint of the plan that was applied.
    pub before: String,
    /// Whether it was broken off.
    pub stopped: bool,
    /// What is left to do, looked at anew: nothing, unless it was broken off.
    pub left: SetUpPlan,
}

/// What an attempt came to that did not end as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum SetUpVerdict {
    /// An attack, and it worked.
    Leaked,
    /// What should work, and does not.
    NotAllowed,
    /// The answer says neither.
    Unclear,
}

/// An attempt that did not end as it should. Its words are English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpFinding {
    /// The same on every run.
    pub name: String,
    /// What it came to.
    pub verdict: SetUpVerdict,
    /// What would be known or done if it worked.
    pub would: String,
    /// The request, without credentials.
    pub request: String,
    /// What the server answered, shortened.
    pub answer: String,
}

/// Something that no rule can refuse. Its words are English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpKnown {
    /// What it is, and what an owner can do about it.
    pub reason: String,
    /// How often it was met.
    pub times: u32,
}

/// What came of attacking a server with people made for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SetUpProof {
    /// Whether every attack was refused, but those that no rule can refuse, and
    /// everything worked that should.
    pub private: bool,
    /// Attempts that should be refused.
    pub attacks: u32,
    /// Of those: refused.
    pub refused: u32,
    /// Of those: what worked.
    pub leaks: u32,
    /// Attempts that should work.
    pub allowed: u32,
    /// Of those: what did.
    pub ok: u32,
    /// What did not end as it should.
    pub wrong: Vec<SetUpFinding>,
    /// What no rule can refuse.
    pub known: Vec<SetUpKnown>,
    /// What this can't prove, and what the server's operator can do. English.
    pub limits: Vec<String>,
    /// What is left on the server of the attempts. English.
    pub left: Vec<String>,
}
