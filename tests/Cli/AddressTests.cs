using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Network.V1;

namespace Monolith.Cli.Tests;

/// <summary><c>monolith address-pool</c> and <c>monolith address</c>.</summary>
public sealed class AddressTests
{
    [Fact]
    public async Task List_ShowsWhereTheAddressesAre_AndWhenThereWillBeNone()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("address-pool", "list");
        Assert.Equal("""
            NAME  PURPOSE        ZONE  OWNER  PREFIXES      USED  RESERVED  QUARANTINED  FREE   OF  FULL    AGE
            az1   SERVER         az1   demo   10.64.0.0/24   100         3            2   151  256  in 30d
            vips  LOAD_BALANCER               10.96.0.0/30     0         0            0     4    4  ?

            """, outcome.Out);
    }

    [Fact]
    public async Task History_IsEveryPage_OfOneAddressOrOneHolder()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("address", "history", "10.64.0.7", "--at", "2026-01-01T06:00:00Z");
        Assert.Equal("""
            ADDRESS    HOLDER  FROM                 UNTIL
            10.64.0.7  new     2026-01-02 00:00:00  now
            10.64.0.7  old     2026-01-01 00:00:00  2026-01-01 12:00:00

            """, outcome.Out);
        Assert.Equal(new DateTime(2026, 1, 1, 6, 0, 0, DateTimeKind.Utc),
            Assert.IsType<ListAddressHoldsRequest>(cloud.Book.Requests[0]).At.ToDateTime());
        Assert.Equal("10.64.0.7\n", (await shell.RunAsync("address", "history", "--holder", "projects/demo", "--limit", "1",
            "-o", "name")).Out);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("address", "history")).Code);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("address", "history", "10.64.0.7", "--holder", "projects/p")).Code);
    }

    [Fact]
    public async Task Export_WritesTheFile_AndImportSendsIt()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var exported = await shell.RunAsync("address-pool", "export", "az1", "--format", "netbox");
        Assert.Equal("kind,value,note\nreservation,10.64.0.5,Büro\n", exported.Out);
        var asked = Assert.IsType<ExportAddressesRequest>(cloud.Book.Requests.Single());
        Assert.Equal((AddressFormat.Netbox, "addressPools/az1"), (asked.Format, asked.AddressPool));

        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, exported.Out, TestContext.Current.CancellationToken);
        var imported = await shell.RunAsync("address-pool", "import", file, "--validate-only");
        Assert.Equal(ExitCode.Done, imported.Code);
        Assert.Equal("""
            POOLS CREATED  POOLS CHANGED  RESERVATIONS CREATED  LINES UNCHANGED
                        1              0                     2                0

            """, imported.Out);
        Assert.Equal(exported.Out, cloud.Book.Imported.ToString());
        var header = Assert.IsType<ImportAddressesRequest.Types.Header>(cloud.Book.Requests.Last());
        Assert.Equal((AddressFormat.Csv, true), (header.Format, header.ValidateOnly));

        cloud.Book.Answer = new() { Problems = { new ImportAddressesResponse.Types.Problem { Line = 3, Message = "is no CIDR" } } };
        var refused = await shell.RunAsync("address-pool", "import", file);
        Assert.Equal((ExitCode.Refused, "LINE  PROBLEM\n   3  is no CIDR\n"), (refused.Code, refused.Out));
        Assert.Contains("nothing was changed", refused.Error, StringComparison.Ordinal);
        File.Delete(file);
    }
}
