//! The znodes of a run: one root of its own, groups below it, up to a thousand znodes in each.

use std::hash::{BuildHasher, Hasher, RandomState};

use proto::records::{
    Acl, CreateRequest, DeleteRequest, GetChildrenRequest, GetChildrenResponse, Id,
};
use proto::{Decode, Encode, ErrorCode, Input, OpCode, Perms};

use crate::session::Session;
use crate::transport::Dialer;
use crate::{Error, Options, Workload};

/// Znodes below one parent.
const GROUP: usize = 1000;

/// The root of a run.
#[derive(Clone, Debug)]
pub struct Znodes {
    root: String,
}

impl Znodes {
    /// Makes the root, and what the workload reads or writes.
    pub async fn make(options: &Options) -> Result<Self, Error> {
        let number = RandomState::new().build_hasher().finish();
        let root = format!("{}/ironkeeper-bench-{number:016x}", options.parent);
        let znodes = Znodes { root };
        let mut session = Session::begin(options, &Dialer::new(options)?, 0).await?;
        refused(
            &znodes.root,
            session
                .call(OpCode::CREATE, &create(&znodes.root, &[]))
                .await?
                .0,
        )?;
        // From here on there is something to remove.
        let made = znodes.fill(&mut session, options).await;
        match made {
            Ok(()) => session.end().await.map(|()| znodes),
            Err(error) => znodes.remove(options).await.and(Err(error)),
        }
    }

    async fn fill(&self, session: &mut Session, options: &Options) -> Result<(), Error> {
        let count = match options.workload {
            Workload::Get | Workload::Set | Workload::Mixed => options.znodes,
            Workload::Watch => 1,
            Workload::Create | Workload::Ping | Workload::Idle => 0,
        };
        let data = vec![b'x'; options.value_bytes];
        for first in (0..count).step_by(GROUP) {
            let numbers = first..count.min(first + GROUP);
            let paths = std::iter::once(self.group(first)).chain(numbers.map(|n| self.path(n)));
            all(session, OpCode::CREATE, paths, |path| create(path, &data)).await?;
        }
        Ok(())
    }

    /// The parent of a znode.
    pub fn group(&self, number: usize) -> String {
        format!("{}/{:06}", self.root, number / GROUP)
    }

    /// A znode that was made beforehand.
    pub fn path(&self, number: usize) -> String {
        format!("{}/{:03}", self.group(number), number % GROUP)
    }

    /// The `number`th znode that a connection creates: after each parent its children.
    pub fn new_path(&self, connection: usize, number: usize) -> String {
        let group = format!("{}/{connection:05}-{:06}", self.root, number / (GROUP + 1));
        match number % (GROUP + 1) {
            0 => group,
            child => format!("{group}/{:03}", child - 1),
        }
    }

    /// Removes all, with a session of its own.
    pub async fn remove(&self, options: &Options) -> Result<(), Error> {
        self.remove_tree(options)
            .await
            .map_err(|error| Error::LeftOver {
                root: self.root.clone(),
                error: Box::new(error),
            })
    }

    async fn remove_tree(&self, options: &Options) -> Result<(), Error> {
        let mut session = Session::begin(options, &Dialer::new(options)?, 0).await?;
        for group in children(&mut session, &self.root).await? {
            let znodes = children(&mut session, &group).await?;
            let paths = znodes.into_iter().chain([group]);
            all(&mut session, OpCode::DELETE, paths, delete).await?;
        }
        let root = std::iter::once(self.root.clone());
        all(&mut session, OpCode::DELETE, root, delete).await?;
        session.end().await
    }
}

/// Paths of the children.
async fn children(session: &mut Session, path: &str) -> Result<Vec<String>, Error> {
    let request = GetChildrenRequest {
        path: Some(path.into()),
        watch: false,
    };
    let (code, body) = session.call(OpCode::GET_CHILDREN, &request).await?;
    refused(path, code)?;
    let response = GetChildrenResponse::decode(&mut Input::new(&body));
    let names = response.map_err(|error| session.odd(&error))?.children;
    let names = names.unwrap_or_default().into_iter().flatten();
    Ok(names.map(|name| format!("{path}/{name}")).collect())
}

/// Asks for all at once, and waits for all answers.
async fn all<E: Encode>(
    session: &mut Session,
    op: OpCode,
    paths: impl Iterator<Item = String>,
    request: impl Fn(&str) -> E,
) -> Result<(), Error> {
    let paths: Vec<String> = paths.collect();
    for path in &paths {
        session.ask(op, &request(path));
    }
    session.flush().await?;
    for path in &paths {
        let header = session.wait_for_header().await?;
        refused(path, header.err)?;
    }
    Ok(())
}

/// An error, unless the code is OK.
pub fn refused(path: &str, code: ErrorCode) -> Result<(), Error> {
    match code {
        ErrorCode::OK => Ok(()),
        code => Err(Error::Refused {
            what: path.to_owned(),
            code,
        }),
    }
}

/// A persistent znode, open to the world.
pub fn create<'a>(path: &str, data: &'a [u8]) -> CreateRequest<'a> {
    let id = Id {
        scheme: Some("world".into()),
        id: Some("anyone".into()),
    };
    CreateRequest {
        path: Some(path.to_owned().into()),
        data: Some(data),
        acl: Some(vec![Acl {
            perms: Perms::ALL.0,
            id,
        }]),
        flags: 0,
    }
}

fn delete(path: &str) -> DeleteRequest<'static> {
    DeleteRequest {
        path: Some(path.to_owned().into()),
        version: -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parent_is_created_before_its_children() {
        let root = "/r".to_owned();
        let znodes = Znodes { root };
        let paths: Vec<String> = (0..2003).map(|n| znodes.new_path(7, n)).collect();
        assert_eq!(paths[0], "/r/00007-000000");
        assert_eq!(paths[1], "/r/00007-000000/000");
        assert_eq!(paths[1000], "/r/00007-000000/999");
        assert_eq!(paths[1001], "/r/00007-000001");
        let distinct: std::collections::HashSet<_> = paths.iter().collect();
        assert_eq!(distinct.len(), paths.len());
    }
}
