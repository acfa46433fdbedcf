//! The calls of `annals.v1.GroupService`, and those of `annals.internal.v1.GroupForwardingService`, with which servers
//! forward them to the leader of the group.

use annals_proto::v1 as pb;
use annals_services::groups::{Error as GroupError, Groups, Leader, LocalGroup};
use annals_store::{Position, Store};
use tonic::{Request, Response, Status, Streaming};

use super::{
    consume::{self, Consuming},
    service::{answer, refuse},
    stream::Counted,
};
use crate::{
    forwarding::Leaders,
    grpc::{
        generated::{
            internal_v1::group_forwarding_service_server::GroupForwardingService,
            v1::group_service_server::GroupService,
        },
        request, response,
        status::Refusal,
    },
    metrics::Metrics,
};

/// The services of consumer groups, on the groups of a store.
#[derive(Clone)]
pub(crate) struct Group {
    groups: Groups,
    store: Store,
    /// Forwards calls to other servers; `None`: calls come from another server, and are not forwarded.
    leaders: Option<Leaders>,
    /// The address at which other servers reach this one.
    address: String,
    metrics: Metrics,
}

/// Calls a method on the leader of a group: here, or on the server that leads.
macro_rules! on_leader {
    ($self:ident, $name:expr, $request:ident, $method:ident, |$group:ident| $here:expr) => {
        match $self.leader($name).await? {
            At::Here($group) => $here,
            At::Elsewhere(mut client) => {
                let answered = client.$method($request).await;
                answered
                    .map(Response::into_inner)
                    .map_err(|status| $self.forwarded($name, status))
            }
        }
    };
}

enum At {
    Here(LocalGroup),
    Elsewhere(crate::forwarding::LeaderClient),
}

impl Group {
    pub(crate) const fn new(
        groups: Groups,
        store: Store,
        leaders: Option<Leaders>,
        address: String,
        metrics: Metrics,
    ) -> Self {
        Self {
            groups,
            store,
            leaders,
            address,
            metrics,
        }
    }

    async fn leader(&self, name: &str) -> Result<At, Refusal> {
        match (self.groups.leader(name).await?, &self.leaders) {
            (Leader::Here(group), _) => Ok(At::Here(group)),
            (Leader::Elsewhere(address), Some(leaders)) => match leaders.client(&address).await {
                Ok(client) => Ok(At::Elsewhere(client)),
                Err(_) => Err(GroupError::Unavailable(name.to_owned()).into()),
            },
            (Leader::Elsewhere(_), None) => Err(GroupError::Unavailable(name.to_owned()).into()),
        }
    }

    /// Converts the status with which the leader has answered.
    fn forwarded(&self, name: &str, status: Status) -> Refusal {
        crate::grpc::status::forwarded(status)
            .unwrap_or_else(|| GroupError::Unavailable(name.to_owned()).into())
    }

    async fn create(&self, request: pb::CreateGroupRequest) -> Result<pb::CreateGroupResponse, Refusal> {
        let name = request::group_name("name", &request.name)?;
        let settings = request::group_settings(request.settings)?;
        let start = request::group_start(request.start)?;
        let group = self.groups.create(&name, settings, start).await?;
        Ok(pb::CreateGroupResponse {
            group: Some(response::group(&group)),
        })
    }

    async fn list(&self, request: &pb::ListGroupsRequest) -> Result<pb::ListGroupsResponse, Refusal> {
        let (prefix, after, limit) = request::list_groups(request)?;
        let page = self.groups.list(&prefix, after, limit).await?;
        Ok(pb::ListGroupsResponse {
            groups: page.groups.iter().map(response::group).collect(),
            has_more: page.has_more,
        })
    }

    async fn parked(&self, request: &pb::ListParkedRequest) -> Result<pb::ListParkedResponse, Refusal> {
        let page = self.groups.parked(&request::list_parked(request)?).await?;
        let events = page.events.into_iter().map(response::parked_event);
        Ok(pb::ListParkedResponse {
            events: events.collect::<Result<_, _>>()?,
            has_more: page.has_more,
        })
    }

    async fn update(&self, request: pb::UpdateGroupRequest) -> Result<pb::UpdateGroupResponse, Refusal> {
        let name = request::group_name("name", &request.name)?;
        let settings = request::group_settings(request.settings.clone())?;
        let expected = request.expected_version;
        on_leader!(self, &name, request, update_group, |group| {
            let group = group.update(settings, expected).await?;
            Ok(pb::UpdateGroupResponse {
                group: Some(response::group(&group)),
            })
        })
    }

    async fn delete(&self, request: pb::DeleteGroupRequest) -> Result<pb::DeleteGroupResponse, Refusal> {
        let name = request::group_name("name", &request.name)?;
        let deleted = async {
            on_leader!(self, &name, request, delete_group, |group| {
                let deleted = group.delete().await?;
                Ok(pb::DeleteGroupResponse { deleted })
            })
        };
        match deleted.await {
            Err(Refusal::Group(GroupError::NotFound(_))) => Ok(pb::DeleteGroupResponse { deleted: false }),
            deleted => deleted,
        }
    }

    async fn describe(
        &self,
        request: pb::DescribeGroupRequest,
    ) -> Result<pb::DescribeGroupResponse, Refusal> {
        let name = request::group_name("name", &request.name)?;
        on_leader!(self, &name, request, describe_group, |group| {
            let status = group.status().await?;
            let head = self.store.head().await?;
            let lag = annals_services::lag(&self.store, Position(status.done_to), head).await?;
            Ok(response::group_status(&status, head, lag, &self.address))
        })
    }

    async fn reset(&self, request: pb::ResetGroupRequest) -> Result<pb::ResetGroupResponse, Refusal> {
        let name = request::group_name("name", &request.name)?;
        let start = request::group_start(request.start)?;
        on_leader!(self, &name, request, reset_group, |group| {
            let position = group.reset(start).await?;
            Ok(pb::ResetGroupResponse { position })
        })
    }

    async fn replay(&self, request: pb::ReplayParkedRequest) -> Result<pb::ReplayParkedResponse, Refusal> {
        let name = request::group_name("group", &request.group)?;
        let selection = request::parked_selection(request.selection.clone())?;
        let to = match request.to_group.as_str() {
            "" => None,
            to => Some(request::group_name("to_group", to)?),
        };
        on_leader!(self, &name, request, replay_parked, |group| {
            let count = group.replay(&selection, to.as_deref()).await?;
            Ok(pb::ReplayParkedResponse { count })
        })
    }

    async fn discard(&self, request: pb::DiscardParkedRequest) -> Result<pb::DiscardParkedResponse, Refusal> {
        let name = request::group_name("group", &request.group)?;
        let selection = request::parked_selection(request.selection.clone())?;
        on_leader!(self, &name, request, discard_parked, |group| {
            let count = group.discard(&selection).await?;
            Ok(pb::DiscardParkedResponse { count })
        })
    }

    async fn begin(&self, mut requests: Streaming<pb::ConsumeRequest>) -> Result<Consuming, Refusal> {
        let first = requests.message().await.map_err(consume::broken)?;
        let opening = first.as_ref().and_then(|first| first.open.as_ref());
        let Some(opening) = opening else {
            let problem = "is missing; the first message opens the consumer";
            return Err(crate::grpc::status::Invalid::field("open", problem).into());
        };
        let open = request::open_consumer(opening)?;
        match self.leader(&open.group).await? {
            At::Here(group) => {
                let consumer = group.join(&open.consumer, open.permits).await?;
                Ok(Consuming::here(open.group, consumer, requests))
            }
            At::Elsewhere(client) => {
                let first = first.unwrap_or_default();
                consume::elsewhere(client, first, requests)
                    .await
                    .map_err(|status| self.forwarded(&open.group, status))
            }
        }
    }

    async fn open(
        &self,
        requests: Streaming<pb::ConsumeRequest>,
    ) -> Result<Response<Counted<Consuming>>, Status> {
        let call = self.metrics.call("Consume");
        match self.begin(requests).await {
            Ok(consuming) => Ok(Response::new(Counted::new(consuming, call))),
            Err(refusal) => Err(refuse(call, refusal)),
        }
    }
}

/// Implements a service: its own calls, and those that both services have.
macro_rules! serve {
    ($service:ident { $($own:tt)* }) => {
        #[tonic::async_trait]
        impl $service for Group {
            $($own)*

            async fn update_group(
                &self,
                request: Request<pb::UpdateGroupRequest>,
            ) -> Result<Response<pb::UpdateGroupResponse>, Status> {
                let call = self.metrics.call("UpdateGroup");
                answer(call, self.update(request.into_inner()).await)
            }

            async fn delete_group(
                &self,
                request: Request<pb::DeleteGroupRequest>,
            ) -> Result<Response<pb::DeleteGroupResponse>, Status> {
                let call = self.metrics.call("DeleteGroup");
                answer(call, self.delete(request.into_inner()).await)
            }

            async fn describe_group(
                &self,
                request: Request<pb::DescribeGroupRequest>,
            ) -> Result<Response<pb::DescribeGroupResponse>, Status> {
                let call = self.metrics.call("DescribeGroup");
                answer(call, self.describe(request.into_inner()).await)
            }

            async fn reset_group(
                &self,
                request: Request<pb::ResetGroupRequest>,
            ) -> Result<Response<pb::ResetGroupResponse>, Status> {
                let call = self.metrics.call("ResetGroup");
                answer(call, self.reset(request.into_inner()).await)
            }

            async fn replay_parked(
                &self,
                request: Request<pb::ReplayParkedRequest>,
            ) -> Result<Response<pb::ReplayParkedResponse>, Status> {
                let call = self.metrics.call("ReplayParked");
                answer(call, self.replay(request.into_inner()).await)
            }

            async fn discard_parked(
                &self,
                request: Request<pb::DiscardParkedRequest>,
            ) -> Result<Response<pb::DiscardParkedResponse>, Status> {
                let call = self.metrics.call("DiscardParked");
                answer(call, self.discard(request.into_inner()).await)
            }

            type ConsumeStream = Counted<Consuming>;

            async fn consume(
                &self,
                request: Request<Streaming<pb::ConsumeRequest>>,
            ) -> Result<Response<Self::ConsumeStream>, Status> {
                self.open(request.into_inner()).await
            }
        }
    };
}

serve!(GroupService {
    async fn create_group(
        &self,
        request: Request<pb::CreateGroupRequest>,
    ) -> Result<Response<pb::CreateGroupResponse>, Status> {
        let call = self.metrics.call("CreateGroup");
        answer(call, self.create(request.into_inner()).await)
    }

    async fn list_groups(
        &self,
        request: Request<pb::ListGroupsRequest>,
    ) -> Result<Response<pb::ListGroupsResponse>, Status> {
        let call = self.metrics.call("ListGroups");
        answer(call, self.list(request.get_ref()).await)
    }

    async fn list_parked(
        &self,
        request: Request<pb::ListParkedRequest>,
    ) -> Result<Response<pb::ListParkedResponse>, Status> {
        let call = self.metrics.call("ListParked");
        answer(call, self.parked(request.get_ref()).await)
    }
});

serve!(GroupForwardingService {});
