using Monolith.Fleet;

return await CommandLine.RunAsync(args);
