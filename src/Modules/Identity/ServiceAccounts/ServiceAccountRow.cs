using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;

namespace Monolith.Identity.ServiceAccounts;

/// <summary>A program of a project.</summary>
internal sealed class ServiceAccountRow : ResourceRow
{
    public bool Disabled { get; set; }

    public ServiceAccount ToProto()
    {
        var account = new ServiceAccount
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            Disabled = Disabled,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, account.Labels);
        return account;
    }
}
