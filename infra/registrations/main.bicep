// The two app registrations as a template, for those who want all of an installation declared. It stands beside the
// rest of infra/ and not in it: it needs Bicep's extension for Microsoft Graph, which is there in the public cloud
// alone and is fetched from a registry, and directory permissions that whoever deploys resources need not have.
//
// `python -m admin register` makes the same, and what no template can: the writer's extension attribute. Run it
// afterwards; it finds both registrations by their names and adds what is missing.
extension microsoftGraphV1

@description('Object id of the app\'s managed identity; empty as long as there is none. It then vouches for both apps.')
param managedIdentityPrincipalId string = ''

@description('Host name of the function app; empty as long as there is none. Entra leads back to it after a consent.')
param functionAppHost string = ''

var graphAppId = '00000003-0000-0000-c000-000000000000'
var readerRoles = [
  'df021288-bdef-4463-88db-98f22de89214' // User.Read.All
  '5b567255-7703-4780-807c-7be8301ae99b' // Group.Read.All
]
var writerRoles = [
  '09850681-111b-4a89-9bed-3f2cae46d706' // User.Invite.All
  '741f803b-c850-494e-b5df-cde7c675a1ca' // User.ReadWrite.All
]
var issuer = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
var federation = 'crosstenant'

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: graphAppId
}

resource reader 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: 'crosstenant-reader'
  displayName: 'Crosstenant reader'
  signInAudience: 'AzureADMyOrg'
  requiredResourceAccess: [
    {
      resourceAppId: graphAppId
      resourceAccess: map(readerRoles, role => {
        id: role
        type: 'Role'
      })
    }
  ]
}

resource readerFederation 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = if (managedIdentityPrincipalId != '') {
  name: '${reader.uniqueName}/${federation}'
  issuer: issuer
  subject: managedIdentityPrincipalId
  audiences: [
    'api://AzureADTokenExchange'
  ]
}

resource readerPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: reader.appId
}

// The consent to the reader, in its own tenant. The writer is consented to by each target.
resource readerConsents 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [for role in readerRoles: {
  appRoleId: role
  principalId: readerPrincipal.id
  resourceId: graph.id
}]

resource writer 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: 'crosstenant-writer'
  displayName: 'Crosstenant writer'
  signInAudience: 'AzureADMultipleOrgs'
  requiredResourceAccess: [
    {
      resourceAppId: graphAppId
      resourceAccess: map(writerRoles, role => {
        id: role
        type: 'Role'
      })
    }
  ]
  web: {
    redirectUris: empty(functionAppHost) ? [] : [
      'https://${functionAppHost}/'
    ]
  }
}

resource writerFederation 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = if (managedIdentityPrincipalId != '') {
  name: '${writer.uniqueName}/${federation}'
  issuer: issuer
  subject: managedIdentityPrincipalId
  audiences: [
    'api://AzureADTokenExchange'
  ]
}

output READER_CLIENT_ID string = reader.appId
output WRITER_CLIENT_ID string = writer.appId
