using LlmAspire.Api.Identity.External;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Identity.Organisations;

/// <summary>The caller's organisation: its members see it, its admins change it. Ids of others are unknown here.</summary>
internal static class OrganisationApi
{
    public static IEndpointRouteBuilder MapOrganisationApi(this IEndpointRouteBuilder app)
    {
        var organisation = app.MapGroup("/organisation").WithTags("Organisation").RequireAuthorization(IdentityExtensions.SessionPolicy);

        organisation.MapGet("", GetAsync)
            .WithName("GetOrganisation")
            .WithSummary("Shows your organisation and its plan.");

        organisation.MapGet("/members", ListMembersAsync)
            .WithName("ListMembers")
            .WithSummary("Lists the members of your organisation.");

        organisation.MapPost("/invitations", InviteAsync)
            .ManagesPeople()
            .WithName("InviteMember")
            .WithSummary("Makes an invitation for one person (admin). The answer shows its token, once.")
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status409Conflict);

        organisation.MapGet("/invitations", ListInvitationsAsync)
            .ManagesPeople()
            .WithName("ListInvitations")
            .WithSummary("Lists the open invitations to your organisation, the newest first (admin).")
            .ProducesProblem(StatusCodes.Status403Forbidden);

        organisation.MapDelete("/invitations/{id:guid}", RevokeInvitationAsync)
            .ManagesPeople()
            .WithName("RevokeInvitation")
            .WithSummary("Revokes an open invitation (admin).")
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound);

        organisation.MapDelete("/members/{id:guid}", RemoveAsync)
            .ManagesPeople()
            .WithName("RemoveMember")
            .WithSummary("Removes a member with their account and API keys (admin). What they used stays in the ledger.")
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound);

        organisation.MapPut("/members/{id:guid}/role", SetRoleAsync)
            .ManagesPeople()
            .WithName("SetMemberRole")
            .WithSummary("Makes a member admin, or an admin member (admin).")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound);

        return app;
    }

    private static async Task<Ok<OrganisationResponse>> GetAsync(Caller caller, Membership membership, CancellationToken cancellationToken) =>
        TypedResults.Ok(await membership.Organisation(caller)
            .Select(row => new OrganisationResponse(row.Id, row.Name, row.Plan, row.CreatedAt)).SingleAsync(cancellationToken));

    private static async Task<Ok<List<MemberResponse>>> ListMembersAsync(Caller caller, Membership membership, CancellationToken cancellationToken) =>
        TypedResults.Ok(await membership.Members(caller).OrderBy(row => row.Id)
            .Select(row => new MemberResponse(row.Id, row.Email, row.Role, row.CreatedAt)).ToListAsync(cancellationToken));

    private static async Task<Results<Created<InvitationResponse>, ProblemHttpResult>> InviteAsync(
        InviteRequest request, Caller caller, Invitations invitations, HttpContext context, CancellationToken cancellationToken)
    {
        var (invitation, token, refusal) = await invitations.MakeAsync(caller, request.Role ?? Role.Member, cancellationToken);
        if (refusal is not null)
        {
            return refusal == InvitationRefusal.TooMany ? AccountProblems.TooManyInvitations(context, Invitations.MostOfPerson) : AccountProblems.AdminOnly(context);
        }

        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created((string?)null, new InvitationResponse(invitation!.Id, token!, invitation.Role, invitation.ExpiresAt));
    }

    private static async Task<Results<Ok<List<OpenInvitationResponse>>, ProblemHttpResult>> ListInvitationsAsync(
        Caller caller, Invitations invitations, HttpContext context, CancellationToken cancellationToken) => caller.Role == Role.Admin
        ? TypedResults.Ok(await invitations.ListAsync(caller, cancellationToken))
        : AccountProblems.AdminOnly(context);

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeInvitationAsync(
        Guid id, Caller caller, Invitations invitations, HttpContext context, CancellationToken cancellationToken) =>
        caller.Role != Role.Admin ? AccountProblems.AdminOnly(context)
        : await invitations.RevokeAsync(caller, id, cancellationToken) ? TypedResults.NoContent()
        : AccountProblems.InvitationUnknown(context);

    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveAsync(
        Guid id, Caller caller, Membership membership, HttpContext context, CancellationToken cancellationToken) =>
        caller.Role == Role.Admin
            ? Answer(await membership.RemoveAsync(caller, id, cancellationToken), context)
            : AccountProblems.AdminOnly(context);

    private static async Task<Results<NoContent, ProblemHttpResult>> SetRoleAsync(
        Guid id, RoleRequest request, Caller caller, Membership membership, HttpContext context, CancellationToken cancellationToken)
    {
        if (caller.Role != Role.Admin)
        {
            return AccountProblems.AdminOnly(context);
        }

        return request.Role is { } role
            ? Answer(await membership.SetRoleAsync(caller, id, role, cancellationToken), context)
            : AccountProblems.Bad(context, "role_missing", "The role is missing.", "Send member or admin in the property role.");
    }

    private static Results<NoContent, ProblemHttpResult> Answer(MemberChange change, HttpContext context) => change switch
    {
        MemberChange.Unknown => AccountProblems.MemberUnknown(context),
        MemberChange.LastAdmin => AccountProblems.LastAdmin(context),
        MemberChange.NotAdmin => AccountProblems.AdminOnly(context),
        _ => TypedResults.NoContent(),
    };
}
