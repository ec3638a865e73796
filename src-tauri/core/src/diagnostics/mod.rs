//! What a person may hand to whoever looks for a fault: what happened, exactly
//! enough to be told again, and nothing of what was said.
//!
//! Owns: what is let in, the journal that it is gathered in, and the file. The
//! list is one of what may be there, field by field; everything else is out.
//! Never: a text, a name, an address of a server or a person, a token, and never
//! a connection: a bundle is a file, and a person does with it what they like.
//!
//! ```text
//!   engine's steps --> journal (in memory) --+
//!   small tables at the opening -------------+--> bundle, JSON lines --> replay
//!   messages, as they were then -------------+                 (src-tauri/sim)
//! ```
//!
//! | file | what |
//! |---|---|
//! | `veil` | what stands for a text |
//! | `told` | what an engine was told |
//! | `digest` | a number for what it wanted done |
//! | `opening` | the small tables |
//! | `journal` | all of that as it happens |
//! | `bundle` | the file |

mod bundle;
mod digest;
mod journal;
mod opening;
#[cfg(test)]
mod tests;
mod told;
mod veil;

pub use bundle::{About, Bundle, FORMAT, Surroundings, Unreadable, Written, write};
pub use digest::{Mark, marks};
pub use journal::{Began, Entry, Journal, MOST_BYTES, MOST_INPUTS, Taken, Undone};
pub use opening::{Opening, Small};
pub use told::{Answered, Failed, Heard, KeptRow, Ordered, Owned, Page, Place, Row, Sort, Told};
pub use veil::{Text, Veil, Word};
