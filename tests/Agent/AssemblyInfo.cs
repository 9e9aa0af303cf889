using System.Runtime.Versioning;

// The agent's drivers exist on Linux only, and so do their tests.
[assembly: SupportedOSPlatform("linux")]
