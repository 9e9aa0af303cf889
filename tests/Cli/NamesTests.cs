using CsCheck;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Tests;

public sealed class NamesTests
{
    static readonly Gen<string> Ids = Gen.String[Gen.Char["abcxyz019-."], 1, 20];

    [Theory]
    [InlineData("web1", "projects/demo/servers/web1")]
    [InlineData("other/web1", "projects/other/servers/web1")]
    [InlineData("projects/other/servers/web1", "projects/other/servers/web1")]
    public void Expand_OfAServer(string text, string name) =>
        Assert.Equal(name, Names.Expand(Catalog.Server, text, "projects/demo"));

    [Theory]
    [InlineData("small", "flavors/small")]
    [InlineData("flavors/small", "flavors/small")]
    public void Expand_OfAFlavor(string text, string name) =>
        Assert.Equal(name, Names.Expand(Catalog.Flavor, text, ""));

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("a/b/c")]
    [InlineData("projects/p/images/web1")]
    [InlineData("projects/p/servers/")]
    [InlineData("two words")]
    public void Expand_OfWhatIsNoName_SaysSo(string text) =>
        Assert.Throws<UsageException>(() => Names.Expand(Catalog.Server, text, "projects/demo"));

    [Fact]
    public void ShortNames_ExpandToWhatTheyWereShortenedFrom() =>
        Gen.Select(Ids, Ids, Ids, Gen.Int[0, Catalog.All.Count - 1]).Sample((project, zone, id, which) =>
        {
            var noun = Catalog.All[which];
            var parent = noun.Place switch
            {
                Place.Cloud => "",
                Place.Project => $"projects/{project}",
                Place.Zone => $"projects/{project}/zones/{zone}",
                Place.Pool => $"addressPools/{project}",
                _ => $"users/{project}",
            };
            var full = Names.Expand(noun, id, parent);
            Assert.Equal(full, Names.Expand(noun, full, "projects/elsewhere"));
            Assert.Equal(full, Names.Expand(noun, Names.Short(full, "elsewhere?"), parent));
            Assert.Equal(id, Names.Id(full));
        });
}
