using Microsoft.Extensions.Logging;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Hosts;

/// <summary>What a process logs, beside all else that happened.</summary>
internal sealed class TraceLogs(string process, Trace trace) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Log(process, categoryName, trace);

    public void Dispose()
    {
    }

    sealed class Log(string process, string category, Trace trace) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                trace.Whisper($"{process} {logLevel} {category}: {formatter(state, exception)} {exception}");
        }
    }
}
