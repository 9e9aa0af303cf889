using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Identity.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Users, groups and bindings: says yes to everything, and remembers it.</summary>
internal sealed class People
{
    public ConcurrentQueue<IMessage> Requests { get; } = new();

    Task<T> Said<T>(IMessage request, T answer)
    {
        Requests.Enqueue(request);
        return Task.FromResult(answer);
    }

    internal sealed class Users(People people) : UserService.UserServiceBase
    {
        public override Task<User> SetPassword(SetPasswordRequest request, ServerCallContext context) =>
            people.Said(request, new User { Name = request.Name, HasPassword = request.Password.Length > 0 });
    }

    internal sealed class Groups(People people) : GroupService.GroupServiceBase
    {
        public override Task<Group> CreateGroup(CreateGroupRequest request, ServerCallContext context) =>
            people.Said(request, new Group { Name = "groups/" + request.GroupId, Members = { request.Group.Members } });

        public override Task<Group> AddGroupMembers(AddGroupMembersRequest request, ServerCallContext context) =>
            people.Said(request, new Group { Name = request.Name, Members = { request.Members } });

        public override Task<Group> RemoveGroupMembers(RemoveGroupMembersRequest request, ServerCallContext context) =>
            people.Said(request, new Group { Name = request.Name });
    }

    internal sealed class Bindings(People people) : RoleBindingService.RoleBindingServiceBase
    {
        public override Task<RoleBinding> CreateRoleBinding(CreateRoleBindingRequest request, ServerCallContext context)
        {
            var made = request.RoleBinding.Clone();
            made.Name = "roleBindings/one";
            return people.Said(request, made);
        }
    }

    internal sealed class Sessions(People people) : SessionService.SessionServiceBase
    {
        public override Task<CreateTokenResponse> CreateSession(CreateSessionRequest request, ServerCallContext context) =>
            people.Said(request, new CreateTokenResponse
            {
                Secret = "mt1_of-the-session",
                Token = new() { Name = request.Parent + "/tokens/t1", ExpireTime = new() { Seconds = 2_000_000_000 } },
            });

        public override Task<IssueAccessTokenResponse> IssueAccessToken(IssueAccessTokenRequest request, ServerCallContext context) =>
            people.Said(request, new IssueAccessTokenResponse { AccessToken = "eyJ.a.b" });
    }
}
