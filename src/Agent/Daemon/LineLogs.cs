using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Daemon;

/// <summary>Logs to stdout: one line an entry, whatever is in it.</summary>
internal sealed class LineLogs(LogLevel least) : ILoggerFactory
{
    private static readonly Lock Gate = new();

    public ILogger CreateLogger(string categoryName) =>
        new Line(categoryName[(categoryName.LastIndexOf('.') + 1)..], least);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    private sealed class Line(string category, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var now = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
            var text = $"{now} {Word(logLevel)} {category}: {formatter(state, exception)}";
            if (exception is not null) text += $" | {exception}";
            text = text.ReplaceLineEndings(" ⏎ ");
            lock (Gate) Console.Out.WriteLine(text);
        }

        private static string Word(LogLevel level) => level switch
        {
            LogLevel.Critical or LogLevel.Error => "error",
            LogLevel.Warning => "warn",
            LogLevel.Information => "info",
            _ => "debug",
        };
    }
}
