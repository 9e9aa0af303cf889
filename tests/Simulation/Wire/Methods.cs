using System.Reflection;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Platform.Faults;

namespace Monolith.Simulation.Tests.Wire;

/// <summary>Serves a method, once it has its caller. <c>up</c> and <c>down</c> are of the method's own types.</summary>
internal delegate Task Serving(object up, object down, ServerCallContext context);

/// <summary>A host's methods, bound as gRPC binds them, inside the interceptor that converts faults.</summary>
internal sealed class Methods(FaultInterceptor faults) : ServiceBinderBase
{
    readonly Dictionary<string, Serving> served = new(StringComparer.Ordinal);

    public Serving Of(string method) => served.TryGetValue(method, out var serving)
        ? serving
        : throw new RpcException(new Status(StatusCode.Unimplemented, method));

    /// <summary>Every service of these assemblies.</summary>
    public void AddAll(IServiceProvider services, IEnumerable<Assembly> modules)
    {
        foreach (var type in modules.SelectMany(m => m.GetTypes()))
        {
            if (type.IsAbstract || type.BaseType?.GetCustomAttribute<BindServiceMethodAttribute>() is not { } binding)
                continue;
            binding.BindType.GetMethod(binding.BindMethodName, [typeof(ServiceBinderBase), type.BaseType])!
                .Invoke(null, [this, ActivatorUtilities.CreateInstance(services, type)]);
        }
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method,
        UnaryServerMethod<TRequest, TResponse>? handler) => served[method.FullName] = async (up, down, context) =>
    {
        var request = await OnlyAsync((Pipe<TRequest>)up, context);
        var response = await faults.UnaryServerHandler(request, context, handler!);
        ((Pipe<TRequest>)up).Done();
        await ((IServerStreamWriter<TResponse>)down).WriteAsync(response, CancellationToken.None);
    };

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method,
        ClientStreamingServerMethod<TRequest, TResponse>? handler) => served[method.FullName] =
        async (up, down, context) =>
    {
        var requests = new Reader<TRequest>((Pipe<TRequest>)up);
        var response = await faults.ClientStreamingServerHandler(requests, context, handler!);
        await ((IServerStreamWriter<TResponse>)down).WriteAsync(response, CancellationToken.None);
    };

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method,
        ServerStreamingServerMethod<TRequest, TResponse>? handler) => served[method.FullName] =
        async (up, down, context) => await faults.ServerStreamingServerHandler(
            await OnlyAsync((Pipe<TRequest>)up, context), (IServerStreamWriter<TResponse>)down, context, handler!);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method,
        DuplexStreamingServerMethod<TRequest, TResponse>? handler) => served[method.FullName] = (up, down, context) =>
        faults.DuplexStreamingServerHandler(new Reader<TRequest>((Pipe<TRequest>)up),
            (IServerStreamWriter<TResponse>)down, context, handler!);

    static async Task<T> OnlyAsync<T>(Pipe<T> up, ServerCallContext context) where T : class
    {
        try
        {
            if (await up.MoveNextAsync(context.CancellationToken)) return up.Current;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
        }
        throw new RpcException(new Status(StatusCode.Cancelled, "The caller went away."));
    }

    sealed class Reader<T>(Pipe<T> up) : IAsyncStreamReader<T> where T : class
    {
        public T Current => up.Current;

        public Task<bool> MoveNext(CancellationToken cancellationToken) => up.MoveNextAsync(cancellationToken);
    }
}
