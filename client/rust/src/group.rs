//! Consumer groups: their settings, their progress, and their parked events. Consuming is in [`crate::consume`].

mod parked;
mod settings;
mod status;

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use annals_proto::v1 as pb;
use futures::stream::{BoxStream, Stream, StreamExt};

use crate::Client;
use crate::connection::GroupStub;
use crate::error::{Error, Result};
use crate::position::Position;

pub use parked::{ParkedEvent, ParkedEvents, ParkedSelection};
pub use settings::{Group, GroupMode, GroupSettings, GroupStart};
pub use status::{ConsumerStatus, GroupStatus};

/// Maximum number of entries on a page, from the protocol.
const PAGE_MAX: u32 = 1_000;

impl Client {
    /// Creates a group. If it exists with the same settings, returns it as it is.
    ///
    /// ```no_run
    /// # use annals_client::{Client, Error, GroupSettings, GroupStart, QueryItem};
    /// # async fn example(client: Client) -> Result<(), Error> {
    /// let orders = GroupSettings::new().query(QueryItem::new().in_stream_prefix("order-")).max_attempts(5);
    /// client.create_group("shipping", orders, GroupStart::Beginning).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Fails also with [`Error::GroupExists`], [`Error::InvalidField`], [`Error::PositionBeyondHead`].
    pub async fn create_group(
        &self,
        name: impl Into<String>,
        settings: GroupSettings,
        start: GroupStart,
    ) -> Result<Group> {
        let request = pb::CreateGroupRequest {
            name: name.into(),
            settings: Some(settings.into()),
            start: Some(start.into()),
        };
        let call = |mut stub: GroupStub| {
            let request = request.clone();
            async move { stub.create_group(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        Group::of(answer.into_inner().group)
    }

    /// Replaces the settings of a group, as a whole, if they are still at `expected_version`, the [`Group::version`]
    /// that the change is based on. `None` accepts any version. Events in flight are withdrawn and delivered again.
    ///
    /// Fails also with [`Error::GroupNotFound`], [`Error::GroupVersionConflict`], [`Error::InvalidField`].
    pub async fn update_group(
        &self,
        name: impl Into<String>,
        settings: GroupSettings,
        expected_version: impl Into<Option<u64>>,
    ) -> Result<Group> {
        let request = pb::UpdateGroupRequest {
            name: name.into(),
            settings: Some(settings.into()),
            expected_version: expected_version.into(),
        };
        let call = |mut stub: GroupStub| {
            let request = request.clone();
            async move { stub.update_group(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        Group::of(answer.into_inner().group)
    }

    /// Deletes a group with its progress and its parked events, and ends its consumers. Returns whether there was one.
    ///
    /// Fails also with [`Error::InvalidField`].
    pub async fn delete_group(&self, name: impl Into<String>) -> Result<bool> {
        let request = pb::DeleteGroupRequest { name: name.into() };
        let call = |mut stub: GroupStub| {
            let request = request.clone();
            async move { stub.delete_group(request).await }
        };
        Ok(self.shared.call(self.timeout, call).await?.into_inner().deleted)
    }

    /// Lists the groups whose names begin with `prefix` (all if it is empty), in the order of their names' bytes.
    pub fn list_groups(&self, prefix: impl Into<String>) -> Groups {
        let (shared, timeout, prefix) = (self.shared.clone(), self.timeout, prefix.into());
        let pages = futures::stream::try_unfold(Some(String::new()), move |after| {
            let (shared, name_prefix) = (shared.clone(), prefix.clone());
            async move {
                let Some(after_name) = after else { return Ok(None) };
                let request = pb::ListGroupsRequest {
                    name_prefix,
                    after_name,
                    page_size: Some(PAGE_MAX),
                };
                let call = |mut stub: GroupStub| {
                    let request = request.clone();
                    async move { stub.list_groups(request).await }
                };
                let page = shared.call(timeout, call).await?.into_inner();
                let last = page.groups.last().map(|group| group.name.clone());
                Ok(Some((page.groups, last.filter(|_| page.has_more))))
            }
        });
        Groups {
            pages: pages.boxed(),
            received: VecDeque::new(),
        }
    }

    /// Returns a group with its progress and its consumers.
    ///
    /// Fails also with [`Error::GroupNotFound`].
    pub async fn describe_group(&self, name: impl Into<String>) -> Result<GroupStatus> {
        let request = pb::DescribeGroupRequest { name: name.into() };
        let call = |mut stub: GroupStub| {
            let request = request.clone();
            async move { stub.describe_group(request).await }
        };
        self.shared
            .call(self.timeout, call)
            .await?
            .into_inner()
            .try_into()
    }

    /// Continues a group at another place, and returns the position after which that is. Events in flight are
    /// withdrawn; parked events stay parked.
    ///
    /// Fails also with [`Error::GroupNotFound`], [`Error::PositionBeyondHead`].
    pub async fn reset_group(&self, name: impl Into<String>, start: GroupStart) -> Result<Position> {
        let request = pb::ResetGroupRequest {
            name: name.into(),
            start: Some(start.into()),
        };
        let call = |mut stub: GroupStub| {
            let request = request.clone();
            async move { stub.reset_group(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        Ok(answer.into_inner().position.into())
    }

    /// Lists the parked events of a group, in the order of their positions.
    ///
    /// Fails also with [`Error::GroupNotFound`].
    pub fn list_parked(&self, group: impl Into<String>) -> ParkedEvents {
        ParkedEvents::new(self.shared.clone(), self.timeout, group.into())
    }

    /// Delivers parked events again, in the order of their positions: to the same group, or to `to_group`. Returns how
    /// many.
    ///
    /// Fails also with [`Error::GroupNotFound`], [`Error::InvalidField`].
    pub async fn replay_parked(
        &self,
        group: impl Into<String>,
        selection: ParkedSelection,
        to_group: Option<&str>,
    ) -> Result<u64> {
        let request = pb::ReplayParkedRequest {
            group: group.into(),
            selection: Some(selection.into()),
            to_group: to_group.unwrap_or_default().to_owned(),
        };
        let call = |mut stub: GroupStub| {
            let request = request.clone();
            async move { stub.replay_parked(request).await }
        };
        Ok(self.shared.call(self.timeout, call).await?.into_inner().count)
    }

    /// Discards parked events, and returns how many.
    ///
    /// Fails also with [`Error::GroupNotFound`], [`Error::InvalidField`].
    pub async fn discard_parked(&self, group: impl Into<String>, selection: ParkedSelection) -> Result<u64> {
        let request = pb::DiscardParkedRequest {
            group: group.into(),
            selection: Some(selection.into()),
        };
        let call = |mut stub: GroupStub| {
            let request = request.clone();
            async move { stub.discard_parked(request).await }
        };
        Ok(self.shared.call(self.timeout, call).await?.into_inner().count)
    }
}

/// Groups in the order of their names' bytes, as a [`Stream`], fetched page by page on demand.
pub struct Groups {
    pages: BoxStream<'static, Result<Vec<pb::Group>, Error>>,
    received: VecDeque<pb::Group>,
}

impl Groups {
    /// Returns the next group; `None` after the last. An error is the last item.
    pub async fn next(&mut self) -> Option<Result<Group>> {
        StreamExt::next(self).await
    }
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups")
            .field("received", &self.received.len())
            .finish_non_exhaustive()
    }
}

impl Stream for Groups {
    type Item = Result<Group>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(group) = self.received.pop_front() {
                return Poll::Ready(Some(Group::of(Some(group))));
            }
            match ready!(self.pages.poll_next_unpin(context)) {
                Some(Ok(page)) => self.received = page.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}
