using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace Gateway;

/// <summary>
/// The least busy server, and for a conversation always the same one while that is not much busier. Which it is follows from the conversation and the servers' addresses
/// (rendezvous hashing): a second gateway chooses alike, and when a server goes only its own conversations move.
/// </summary>
internal sealed class ConversationPolicy(GatewayOptions options) : ILoadBalancingPolicy
{
    public const string PolicyName = "Conversation";

    public string Name => PolicyName;

    public DestinationState? PickDestination(HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations)
    {
        if (availableDestinations.Count == 0)
        {
            return null;
        }

        int least = availableDestinations.Min(server => server.ConcurrentRequestCount);
        if (Conversation.Of(context) is { } conversation)
        {
            return availableDestinations
                .Where(server => server.ConcurrentRequestCount <= least + options.Slack)
                .MaxBy(server => Weight(conversation, server.DestinationId));
        }

        // Of equally busy ones not always the first.
        DestinationState[] idle = [.. availableDestinations.Where(server => server.ConcurrentRequestCount <= least)];
        return idle.Length == 0 ? availableDestinations[0] : idle[Random.Shared.Next(idle.Length)];
    }

    private static ulong Weight(string conversation, string server) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{server}\n{conversation}")));
}
