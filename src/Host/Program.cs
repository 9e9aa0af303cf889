using Monolith.Host;

return await CommandLine.RunAsync(args);
