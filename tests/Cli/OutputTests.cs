using System.Text.Json;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Compute.V1;
using Monolith.Protos;
using Monolith.Events.V1;

namespace Monolith.Cli.Tests;

public sealed class OutputTests
{
    static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    static Server Web(string id = "web1") => new()
    {
        Name = $"projects/demo/servers/{id}",
        State = Server.Types.State.Ready,
        Addresses = { "10.64.0.3", "fd64::3" },
        Flavor = "flavors/small",
        Image = "projects/system/images/debian",
        CreateTime = Timestamp.FromDateTimeOffset(Now.AddMinutes(-5)),
    };

    [Fact]
    public void Table_ShowsShortNamesStatesAndAges()
    {
        var lines = Table.Lines(Catalog.Server.Columns, [Web()], new View(Now, "demo"), Ink.None).ToList();
        Assert.StartsWith("NAME  STATE  ADDRESSES", lines[0], StringComparison.Ordinal);
        Assert.Equal(["web1", "READY", "10.64.0.3,fd64::3", "small", "system/debian", "5m"],
            lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Table_ColumnsLineUp_WhateverTheCells() =>
        Gen.String[Gen.Char["ab \n\t\u001bé"], 0, 12].Array[3].List[1, 8].Sample(rows =>
        {
            Column[] columns = [Column.Of("ONE", "a"), Column.Number("TWO", "b"), Column.Of("THREE", "c")];
            var clean = rows.Select(
                row => row.Select(cell => cell.Replace('\n', ' ').Replace('\t', ' ').Replace('\u001b', ' ')).ToArray());
            var lines = Table.Lines(columns, [.. clean], Ink.None).ToList();
            Assert.Equal(rows.Count + 1, lines.Count);
            // Every line begins its last column where the heading does, when it has one.
            var at = lines[0].IndexOf("THREE", StringComparison.Ordinal);
            foreach (var (line, row) in lines.Skip(1).Zip(clean.Select(row => row[2].TrimEnd(' '))))
                if (row.Length > 0)
                    Assert.Equal(row, line[at..]);
        });

    [Fact]
    public void Table_PaintsWithoutMovingColumns()
    {
        var plain = Table.Lines(Catalog.Server.Columns, [Web()], new View(Now, "demo"), Ink.None);
        var painted = Table.Lines(Catalog.Server.Columns, [Web()], new View(Now, "demo"), Ink.Ansi);
        Assert.Equal(plain, painted.Select(Unpainted));
    }

    [Fact]
    public void ControlCharactersOfACloud_DoNotReachTheTerminal()
    {
        var server = Web();
        server.DnsName = "evil\u001b[2J\nname";
        var line = Table.Lines(Catalog.Server.Columns, [server], new View(Now, "demo"), Ink.None).Last();
        Assert.DoesNotContain('\u001b', line);
        Assert.DoesNotContain('\n', line);
    }

    [Fact]
    public void EveryNoun_HasColumnsAndFieldsThatItsMessageHas()
    {
        foreach (var noun in Catalog.All)
        {
            Assert.NotNull(noun.Method("List"));
            foreach (var field in noun.Fields)
                Assert.NotNull(field.In(noun.Resource));
            var empty = Monolith.Cli.Api.Messages.New(noun.Resource);
            foreach (var column in noun.Columns)
                Assert.NotNull(column.Text(empty, new View(Now, null)));
            Assert.NotNull(Sheet.Lines(noun, empty, Now, Ink.None).ToList());
        }
    }

    [Fact]
    public void Json_IsWhatProtobufReadsBack()
    {
        var server = Web();
        server.Labels["tier"] = "web";
        Assert.Equal(server, JsonParser.Default.Parse<Server>(Printer.Json(server)));
    }

    /// <summary>Whatever the host's modules may tell of.</summary>
    [Fact]
    public void Json_OfAnEvent_KnowsEveryMessage()
    {
        foreach (var message in Descriptors.MakeAll().SelectMany(file => file.MessageTypes))
        {
            var empty = message.Parser.ParseFrom(ByteString.Empty);
            Assert.Contains(message.FullName, Printer.Json(new Event { Data = Any.Pack(empty) }), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Json_OfANewerHostsEvent_SaysWhatIsUnknown_AndShowsTheRest()
    {
        var all = new ListEventsResponse
        {
            Events =
            {
                new Event { Sequence = 7, Data = new Any { TypeUrl = "type.googleapis.com/monolith.moon.v1.Base" } },
                new Event { Sequence = 8, Data = Any.Pack(new Server { Name = "projects/p/servers/web1" }) },
            },
        };
        var text = Printer.Json(all);
        Assert.Contains("monolith.moon.v1.Base: newer than this command", text, StringComparison.Ordinal);
        Assert.Contains("projects/p/servers/web1", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_OfAnEvent_ShowsTheResourceInside()
    {
        var text = Printer.Json(new Event { Sequence = 7, Data = Any.Pack(Web()) });
        Assert.Equal("projects/demo/servers/web1",
            JsonDocument.Parse(text).RootElement.GetProperty("data").GetProperty("name").GetString());
    }

    [Fact]
    public void Yaml_IsBlocksOfWhatJsonSays()
    {
        var yaml = Yaml.Of("""
            {"name":"projects/a","count":"7","on":"true","none":{},"list":[],"many":["x","10.0.0.1"],
             "items":[{"a":1,"b":{"c":null}},{"a":2}]}
            """);
        Assert.Equal("""
            name: projects/a
            count: "7"
            "on": "true"
            none: {}
            list: []
            many:
              - x
              - "10.0.0.1"
            items:
              - a: 1
                b:
                  c: null
              - a: 2

            """, yaml);
    }

    [Fact]
    public void Yaml_TextIsPlainOnlyWhenNothingElseCouldBeRead() => Gen.String.Sample(text =>
    {
        var yaml = Yaml.Of($"{{\"k\":{JsonSerializer.Serialize(text)}}}");
        Assert.Single(yaml, letter => letter == '\n');
        var value = yaml["k: ".Length..^1];
        Assert.Equal(text, value.StartsWith('"') ? JsonSerializer.Deserialize<string>(value) : value);
        if (!value.StartsWith('"'))
            Assert.Matches("^[A-Za-z_/][-A-Za-z0-9_./@+]*$", value);
    });

    [Fact]
    public void Sheet_ShowsConditionsWithTheirCauses()
    {
        var server = Web();
        server.Conditions.Add(new Monolith.Api.V1.Condition
        {
            Type = "Placed",
            Status = Monolith.Api.V1.Condition.Types.Status.False,
            Reason = "NO_VALID_HYPERVISOR",
            Message = "none has room",
        });
        var text = string.Join('\n', Sheet.Lines(Catalog.Server, server, Now, Ink.None));
        Assert.Contains("state:", text, StringComparison.Ordinal);
        Assert.Matches("Placed +FALSE +NO_VALID_HYPERVISOR +none has room", text);
    }

    static string Unpainted(string line) => System.Text.RegularExpressions.Regex.Replace(line, "\u001b\\[[0-9;]*m", "");
}
