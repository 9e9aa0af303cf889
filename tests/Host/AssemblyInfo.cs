using Monolith.Host.Tests.Cloud;

// One host for all: what one class sends must not disturb another, as among tenants.
[assembly: AssemblyFixture(typeof(RunningHost))]
