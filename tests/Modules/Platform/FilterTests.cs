using System.Linq.Expressions;
using CsCheck;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;

namespace Monolith.Modules.Tests.Platform;

public sealed class FilterTests
{
    sealed record Row(string Name, long Size, bool Up, DayOfWeek Day, string Labels);

    static readonly FilterFields<Row> Fields = new FilterFields<Row>()
        .Text("name", r => r.Name).Number("size", r => r.Size).Flag("up", r => r.Up).Word("day", r => r.Day)
        .Labels(r => r.Labels);

    static readonly Row[] Rows =
    [
        new("web1", 10, true, DayOfWeek.Monday, Labels.Store([new("tier", "web")])),
        new("web2", 20, false, DayOfWeek.Friday, Labels.Store([new("tier", "web"), new("env", "test")])),
        new("db1", 30, true, DayOfWeek.Friday, ""),
    ];

    static Expression<Func<Row, bool>> Read(string filter)
    {
        var violations = new Violations();
        var read = Filter.Read(filter, Fields, violations);
        violations.ThrowIfAny();
        return read ?? (_ => true);
    }

    [Theory]
    [InlineData("", "web1 web2 db1")]
    [InlineData("name = web1", "web1")]
    [InlineData("name = \"web*\"", "web1 web2")]
    [InlineData("name = *1", "web1 db1")]
    [InlineData("name : eb", "web1 web2")]
    [InlineData("size >= 20", "web2 db1")]
    [InlineData("size >= 20 AND up = true", "db1")]
    [InlineData("size >= 20 up = true", "db1")]
    [InlineData("size < 20 OR size > 20", "web1 db1")]
    [InlineData("NOT (name = web1 OR name = db1)", "web2")]
    [InlineData("up = true AND size = 10 OR size = 30", "web1 db1")]
    [InlineData("day = FRIDAY", "web2 db1")]
    [InlineData("day = DAY_FRIDAY", "web2 db1")]
    [InlineData("labels.tier = web", "web1 web2")]
    [InlineData("labels.env = \"test\"", "web2")]
    [InlineData("labels.env != test", "web1 db1")]
    public void Filter_LetsThrough(string filter, string names) =>
        Assert.Equal(names, string.Join(' ', Rows.AsQueryable().Where(Read(filter)).Select(r => r.Name)));

    [Theory]
    [InlineData("name")]
    [InlineData("name =")]
    [InlineData("nam = x")]
    [InlineData("size = many")]
    [InlineData("(name = x")]
    [InlineData("name = \"x")]
    [InlineData("day > FRIDAY")]
    public void Filter_ThatIsWrong_IsInvalidArgument(string filter) =>
        Assert.Equal("filter", Assert.Single(Assert.Throws<Fault>(
            () => Read(filter)).Fields).Field);

    [Fact]
    public void AnyText_IsAFilterOrAFault() => Gen.String[Gen.Char["ab()=<>!:\"' ANDORNOT*1."], 0, 60].Sample(text =>
    {
        try
        {
            _ = Rows.AsQueryable().Where(Read(text)).Count();
        }
        catch (Fault fault)
        {
            Assert.NotEmpty(fault.Fields);
        }
    });

    [Theory]
    [InlineData("hidden = true", true)]
    [InlineData("NOT (a = b OR hidden != true)", true)]
    [InlineData("hidden:true", true)]
    [InlineData("", false)]
    [InlineData("name = hidden", false)]
    [InlineData("name = \"hidden = true\"", false)]
    [InlineData("name = hidden hiddenness = true", false)]
    public void Names_IsOfFields_NotOfValues(string filter, bool names) => Assert.Equal(names, Filter.Names(filter, "hidden"));
}
