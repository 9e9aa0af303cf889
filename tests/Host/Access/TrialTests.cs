using System.Data.Common;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Access;

/// <summary><c>validate_only</c> (AIP-163) of every method that has it.</summary>
public sealed class TrialTests(RunningHost host, Tried tried) : IClassFixture<Tried>
{
    const string SqliteTables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    const string PostgresTables =
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()";

    readonly string request = Guid.NewGuid().ToString();

    public static TheoryData<string> Changing => Methods.Named(m => m.Changes);

    public static TheoryData<string> Refused => [.. Tried.Refused.Keys];

    /// <summary>What is tried is answered as if it were done, and again; but no row, no event and no answer is kept.</summary>
    [Theory]
    [MemberData(nameof(Changing))]
    public async Task WhatIsTried_IsAnswered_AndLeavesNothing(string name)
    {
        var method = Methods.Find(name);
        var requests = Requests(method);
        // Reconcilers go on meanwhile, by what is heard of nodes: it counts when they did nothing.
        await RunningHost.UntilAsync(async () =>
        {
            var before = await RowsAsync(method);
            for (var repeat = 0; repeat < 2; repeat++)
            {
                var answer = await host.Api.CallAsync(method.Descriptor, host.Token, requests);
                Assert.True(answer.Code == StatusCode.OK, answer.ToString());
                foreach (var secret in (string[])["token", "secret"])
                    if (answer.Response!.Descriptor.FindFieldByName(secret) is { FieldType: FieldType.String } field)
                        Assert.Empty((string)field.Accessor.GetValue(answer.Response));
            }
            var after = await RowsAsync(method);
            Assert.DoesNotContain(after, row => row.Contains(request, StringComparison.Ordinal));
            Assert.DoesNotContain(after.Except(before), row => row.StartsWith("events: ", StringComparison.Ordinal)
                && row.Contains(", users/admin, ", StringComparison.Ordinal));
            return after.SequenceEqual(before);
        }, $"{method} was tried and nothing changed");
    }

    /// <summary>And as it would be if it were done.</summary>
    [Theory]
    [MemberData(nameof(Refused))]
    public async Task WhatWouldBeRefused_IsRefusedWhenItIsTried(string name)
    {
        var method = Methods.All.Single(m => m.Descriptor.Name == name).Descriptor;
        var (request, code) = Tried.Refused[name];
        var answers = new List<(StatusCode, string, string?)>();
        foreach (var trial in new[] { true, false })
        {
            method.InputType.FindFieldByName("validate_only").Accessor.SetValue(request, trial);
            var answer = await host.Api.CallAsync(method, host.Token, request);
            answers.Add((answer.Code, answer.Message, answer.Info?.Reason));
        }
        Assert.Equal(code, answers[0].Item1);
        Assert.Equal(answers[1], answers[0]);
    }

    IMessage[] Requests(ApiMethod method)
    {
        var requests = tried.Requests(method.Descriptor.Name);
        Assert.True(requests is not null, $"{method} has no request among those that are tried");
        var head = method.Descriptor.IsClientStreaming
            ? (IMessage)requests[0].Descriptor.FindFieldByName("header").Accessor.GetValue(requests[0])
            : requests[0];
        Methods.Set(head, "request_id", request);
        head.Descriptor.FindFieldByName("validate_only").Accessor.SetValue(head, true);
        return requests;
    }

    /// <summary>Everything that the method's module keeps of what is tried: every row of every table that names it.</summary>
    async Task<List<string>> RowsAsync(ApiMethod method)
    {
        await using var connection = await host.ConnectAsync(method.Descriptor.File.Package.Split('.')[1]);
        var rows = new List<string>();
        foreach (var table in await ReadAsync(connection, connection is SqliteConnection ? SqliteTables : PostgresTables))
            rows.AddRange((await ReadAsync(connection, $"SELECT * FROM \"{table}\"")).Select(row => $"{table}: {row}")
                .Where(row => row.Contains(Tried.Id, StringComparison.Ordinal)
                    || row.Contains(request, StringComparison.Ordinal)));
        Assert.NotEmpty(rows);
        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    static async Task<List<string>> ReadAsync(DbConnection connection, string query)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = query;
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rows = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            rows.Add(string.Join(", ", Enumerable.Range(0, reader.FieldCount).Select(i => reader.GetValue(i) switch
            {
                byte[] bytes => Encoding.Latin1.GetString(bytes),
                var value => Convert.ToString(value, CultureInfo.InvariantCulture),
            })));
        return rows;
    }
}
