using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.Contracts;
using Monolith.Identity.Projects;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Quotas;

/// <summary>Limits are rows of this module; usage is asked of the modules whose rows count.</summary>
internal sealed class QuotaService(Store<IdentityDb> store, Registry registry, IEnumerable<IProjectUsage> modules)
    : V1.QuotaService.QuotaServiceBase
{
    readonly IReadOnlyList<IProjectUsage> modules = [.. modules];
    readonly IReadOnlyList<string> quotas = [.. modules.SelectMany(m => m.Quotas)];

    public override async Task<Quota> GetQuota(GetQuotaRequest request, ServerCallContext context)
    {
        var project = QuotaRules.ProjectOf(request.Name);
        var quota = await store.ReadAsync(async db =>
        {
            if (project is not null && !await db.Projects.AnyAsync(p => p.Project == project))
                throw Fault.NotFound("projects/" + project);
            return (await db.Quotas.FirstOrDefaultAsync(q => q.Name == request.Name))?.ToProto()
                ?? new Quota { Name = request.Name, Etag = "0" };
        });
        return await WithUsageAsync(quota, project, context.CancellationToken);
    }

    public override async Task<Quota> UpdateQuota(UpdateQuotaRequest request, ServerCallContext context)
    {
        var change = QuotaRules.Check(request, quotas);
        var name = request.Quota.Name;
        var project = QuotaRules.ProjectOf(name, "quota.name");
        if (project == ProjectRules.System)
            throw Fault.Precondition("PROJECT_IS_BUILT_IN", "projects/" + project,
                $"projects/{project} belongs to the cloud itself, which would be hurt by a limit. It has none.");
        var quota = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            if (project is not null && !await unit.Db.Projects.AnyAsync(p => p.Project == project))
                throw Fault.NotFound("projects/" + project);
            var row = await unit.Db.Quotas.FirstOrDefaultAsync(q => q.Name == name);
            if (row is null)
            {
                row = new QuotaRow
                {
                    Name = name,
                    Project = project ?? "",
                    Generation = 0,
                    CreateTime = unit.Now,
                };
                unit.Db.Quotas.Add(row);
            }
            row.Touch(request.Quota.Etag, unit.Now);
            row.Limits = QuotaRow.Store(change(row.Load()));
            return Emit(unit, row.Generation == 1 ? Change.Created : Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return await WithUsageAsync(quota, project, context.CancellationToken);
    }

    public override async Task<ExplainUsageResponse> ExplainUsage(ExplainUsageRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        var project = Platform.Names.ResourceName.Parse("projects/*/quota", request.Name, "name", violations)?[0];
        QuotaRules.Known(request.Quota, "quota", quotas, violations);
        var page = Page.Of(request.PageSize, request.PageToken, isNumbered: false, violations,
            [request.Name, request.Quota]);
        violations.ThrowIfAny();
        if (!registry.Exists(project!)) throw Fault.NotFound("projects/" + project);
        var module = modules.First(m => m.Quotas.Contains(request.Quota));
        var (rows, next) = page.Cut(await module.ListAsync(project!, request.Quota, page.After, page.Size + 1,
            context.CancellationToken), c => c.Key);
        return new ExplainUsageResponse
        {
            Resources =
            {
                rows.Select(c => new CountedResource
                {
                    Resource = c.Resource,
                    Amount = c.Amount,
                    Part = module.PartOf(request.Quota, c.Key),
                }),
            },
            NextPageToken = next,
        };
    }

    async Task<Quota> WithUsageAsync(Quota quota, string? project, CancellationToken cancel)
    {
        var inherits = project is not (null or ProjectRules.System);
        foreach (var module in modules)
        {
            var usage = project is null ? null : await module.UsageAsync(project, cancel);
            foreach (var word in module.Quotas)
            {
                var told = new QuotaUsage
                {
                    Quota = word,
                    Limit = quota.Limits.TryGetValue(word, out var own)
                        ? own
                        : (inherits ? registry.OfDefault(word) : null) ?? QuotaRow.Unlimited,
                    Inherited = inherits && !quota.Limits.ContainsKey(word),
                };
                if (usage is not null) told.Usage = usage[word];
                quota.Usages.Add(told);
            }
        }
        return quota;
    }

    internal static Quota Emit(Unit<IdentityDb> unit, Change change, QuotaRow row)
    {
        var quota = row.ToProto();
        unit.Emit("quota", change, row.Name, row.Project, quota);
        return quota;
    }
}
