using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Domains;

/// <summary>A part of an organisation. Which projects are in it, they say themselves.</summary>
internal sealed class DomainRow : ResourceRow
{
    public Domain ToProto()
    {
        var domain = new Domain
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, domain.Labels);
        return domain;
    }
}
