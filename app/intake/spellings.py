"""How programs and languages spell the columns of a customer list."""

from app.staging import Field

# The words of each field, the better ones first: where two columns name one field, the
# earlier word wins. Written without case, accents, blanks and punctuation.
SPELLINGS: dict[Field, str] = {
    Field.FULL_NAME: """
        fullname name customername clientname contactname displayname kundenname kunde
        klant klantnaam naam nom nomcomplet nomduclient nombre nombrecompleto
        nombrecliente nomecompleto nome nomecognome nomecliente namn fullstandigtnamn
        navn fuldenavn kundenavn kundnamn nazwa imieinazwisko imienazwisko adsoyad
        adisoyadi isim vollstandigername client cliente customer contact kontakt
        kontaktname kontaktperson contactpersoon contacto contatto contato
        ansprechpartner nimi koko jmeno celejmeno jmenoaprijmeni klient kontrahent
        musteri musteriadi person personname member membername patient patientname guest
        guestname petowner petownername vornameundnachname vornamenachname namevorname
        namevornamen nachnamevorname nomprenom nometprenom prenometnom nombreyapellidos
        nombreapellidos apellidosynombre voorenachternaam lastnamefirstname lastfirst
        firstlast firstandlastname imie_nazwisko имя фио клиент имяифамилия 姓名 氏名 名前 이름
        ονοματεπωνυμο fileas tenkhachhang hoten
    """,
    Field.FIRST_NAME: """
        firstname givenname forename fname first vorname rufname prenom prenoms voornaam
        nombredepila primernombre nombres primeironome nomeproprio nomedebatismo fornamn
        fornavn imie etunimi ad adi isminiz krestnijmeno krestni имя keresztnev ονομα 名
        nomebatismo prenume ime firstnames
    """,
    Field.LAST_NAME: """
        lastname familyname surname lname last nachname familienname zuname nomdefamille
        achternaam familienaam apellido apellidos primerapellido sobrenome apelido
        ultimonome cognome efternamn efternavn etternavn nazwisko sukunimi soyad soyadi
        soyisim prijmeni фамилия vezeteknev επωνυμο 姓 nume prezime secondname
    """,
    Field.COMPANY: """
        company companyname organization organisation organizationname organisationname
        organization1name business businessname firma firmenname firmaname unternehmen
        firmabezeichnung societe nomdelasociete entreprise raisonsociale bedrijf
        bedrijfsnaam empresa nombreempresa nombredelaempresa razonsocial companhia
        nomedaempresa razaosocial azienda ragionesociale societa foretag foretagsnamn
        virksomhed virksomhedsnavn bedrift firmanavn nazwafirmy yritys sirket sirketadi
        spolecnost nazevfirmy relatedcompany parentcompany accountname employer
        arbeitgeber компания организация 会社名 公司 kurum compania companynames org
        clientcompany
    """,
    Field.EMAIL: """
        email emailaddress mail emailid email1 email1value emailaddress1 email1address
        primaryemail primaryemailaddress emailprimary mailaddress mailadresse
        emailadresse epost epostadress epostadresse eposta epostaadresi courriel
        adressecourriel adressemail adresseemail adresseelectronique correo
        correoelectronico direcciondecorreo direcciondecorreoelectronico emailadres
        mailadres enderecodeemail indirizzoemail indirizzomail postaelettronica posta
        adresemail adrespocztyelektronicznej poczta sahkoposti sahkopostiosoite
        adresaemail emailpersonal personalemail homeemail emailhome privatemail
        privateemail businessemail workemail emailwork kontaktemail contactemail
        subscriberemail loginemail почта электроннаяпочта эпочта メール メールアドレス 邮箱 电子邮件
        emailcim ηλεκτρονικηδιευθυνση correoe
    """,
    Field.PHONE: """
        phone phonenumber phoneno phone1 phone1value telephone telephonenumber tel telno
        telnr telefon telefonnummer telefonnr telefono telefoon telefoonnummer telefone
        mobilephonenumber mobilephoneno mobiltelefonnummer ndetelephone ndetelefono
        notelephone numerodetelephone numerotelephone numerodetelefono numerodetelefone
        numeroditelefono numertelefonu nrtelefonu telefonnumarasi telefonni
        telefonnicislo telefoni puhelin puhelinnumero mobile mobilephone mobilenumber
        mobileno mobil mobilnummer mobiltelefon mobilnr handy handynummer telmobiel
        mobiel mobielnummer mobieltelefoon mobieletelefoon gsm gsmnummer portable
        telephoneportable telportable mobiletelephone movil telefonomovil celular
        telefonocelular telemovel telefonecelular cellulare telefonocellulare cellphone
        cell cellnumber cellphonenumber komorka telefonkomorkowy komorkowy matkapuhelin
        ceptelefonu ceptel phonemobile phone1number primaryphone primaryphonenumber
        homephone phonehome privatephone telefonprivat telefonmobil telefonmobilny
        mainphone contactphone contactnumber phoneprimary businessphone workphone
        phonework officephone otherphone smsphonenumber smsphone телефон
        мобильныйтелефон номертелефона 電話番号 电话 手机 telefonszam τηλεφωνο kinito ponumber
        whatsapp whatsappnumber sms smsnumber defaultaddressphone
    """,
    Field.PHONE_2: """
        phone2 phone2value secondphone secondaryphone phonenumber2 telephone2 tel2
        telefon2 telefono2 telefone2 telefoon2 alternativephone alternatephone altphone
        mobile2 additionalphone zweittelefon autretelephone otrotelefono
    """,
    Field.LINE1: """
        address1 addressline1 address street streetaddress streetaddress1 street1
        address1street addressstreet line1 street1address addressfull fulladdress
        strasse str strassehausnummer strasseundhausnummer strassenr anschrift adresse
        adresse1 adressezeile1 adresszeile1 rue adresseligne1 adressepostale direccion
        direccion1 calle domicilio endereco endereco1 rua morada logradouro indirizzo
        indirizzo1 via adres adres1 adresregel1 straat straatnaam straatenhuisnummer
        adress adress1 gatuadress gata gade vej gateadresse vejnavn ulica
        adreszamieszkania osoite katuosoite adresi adressatiri1 ulice adresa улица адрес
        住所 地址 lakcim διευθυνση addressstreet1 adresseligne
    """,
    Field.LINE2: """
        address2 addressline2 street2 streetaddress2 line2 apt apartment aptsuite
        aptunit suite unit addressextended address1extendedaddress extendedaddress
        adresszusatz adresse2 adressezusatz adressezeile2 adresszeile2 complementadresse
        complementdadresse adresseligne2 direccion2 complemento endereco2 indirizzo2
        adresregel2 adres2 toevoeging adress2 adressatiri2 address2line
    """,
    Field.CITY: """
        city town cityname locality address1city addresscity ort stadt wohnort ville
        commune localite ciudad localidad poblacion municipio cidade localidade citta
        comune localita plaats woonplaats stad gemeente postort by poststed miasto
        miejscowosc kaupunki postitoimipaikka sehir il ilce mesto obec город 市区町村 城市
        varos πολη towncity citytown suburb
    """,
    Field.REGION: """
        state province region stateprovince provincestate staterovince statecode
        provincecode stateregion county address1region address1state addressstate
        bundesland kanton departement etat estado provincia regiao distrito regione
        provincie lan landsdel fylke wojewodztwo maakunta bolge область регион 都道府県 省
        estadoprovincia stateabbr stateorprovince stateterritory stateprovinceregion
    """,
    Field.POSTAL_CODE: """
        zip zipcode postalcode postcode zippostalcode postalzip postalzipcode zippostal
        addresszip addresspostalcode address1postalcode address1zip plz postleitzahl
        codepostal cp codigopostal cep codigodepostal cap codiceavviamentopostale
        postnummer postnr kodpocztowy kodpoczt postinumero postakodu psc postalcodezip
        pincode pin zipcode5 индекс почтовыйиндекс 郵便番号 邮编 iranyitoszam
        ταχυδρομικοςκωδικας code_postal
    """,
    Field.COUNTRY: """
        country countrycode countryname countryregion countryiso address1country
        addresscountry land landcode landname staat pays pais nazione paese stato kraj
        panstwo maa ulke zeme stat страна 国 国家 orszag χωρα countryregioncode
    """,
    Field.BIRTHDAY: """
        birthday birthdate dateofbirth dob birthdayfull born bday geburtstag
        geburtsdatum gebdatum geb gebdat datedenaissance naissance anniversaire ddn
        fechadenacimiento fechanacimiento nacimiento cumpleanos datadenascimento
        nascimento aniversario datadinascita datanascita nascita compleanno
        geboortedatum geboren verjaardag fodelsedatum fodelsedag fodd fodselsdato
        fodselsdag dataurodzenia urodziny syntymaaika dogumtarihi dogumgunu
        datumnarozeni narozeniny датарождения деньрождения 生年月日 出生日期 szuletesidatum
        ημερομηνιαγεννησης
    """,
    Field.TAGS: """
        tags tag labels label groupmembership groups group categories category
        customertags customertag customergroup customergroups segments segment lists
        keywords schlagworte schlagwort gruppe gruppen kategorie kategorien etiketten
        etiquettes etiquette groupe groupes categorie etiquetas etiqueta grupo grupos
        gruppo gruppi etichette categoria trefwoorden groep groepen taggar etykiety tagi
        grupa grupy etiketler etiket stitky тэги теги метки 标签 contactgroup
        contactgroups kundengruppe
    """,
    Field.STATUS: """
        status customerstatus contactstatus clientstatus active isactive kundenstatus
        aktiv statut actif estado_cliente activo ativo attivo stato_cliente actief
        aktywny durum accountstatus memberstatus статус enabled
    """,
    Field.MARKETING_EMAIL: """
        acceptsemailmarketing acceptsmarketing emailmarketing marketingemail
        emailmarketingconsent emailoptin optinemail newsletter newslettersubscription
        subscribed subscribedtonewsletter newslettersubscribed acceptsemails
        emailconsent emailsubscriberstatus emailsubscriptionstatus emailmarketingstatus
        marketing marketingconsent marketingoptin nieuwsbrief bulletin infolettre
        lettredinformation boletin boletindenoticias boletim infolettera nyhetsbrev
        nyhedsbrev biuletyn uutiskirje bulten рассылка marketingbyemail newsletterabo
        newsletteranmeldung werbungperemail emailwerbung agreedtonewsletter
        marketingallowed receivesnewsletter receivesemails
    """,
    Field.MARKETING_SMS: """
        acceptssmsmarketing smsmarketing marketingsms smsmarketingconsent smsoptin
        optinsms smsconsent smssubscriberstatus smsmarketingstatus textmarketing
        acceptssms marketingbysms werbungpersms smswerbung smsnewsletter receivessms
        smssubscriptionstatus
    """,
    Field.NOTE: """
        note notes comment comments remark remarks memo description bemerkung
        bemerkungen notiz notizen kommentar kommentare anmerkung anmerkungen remarque
        remarques commentaire commentaires nota notas comentario comentarios
        observaciones observacion observacoes observacao osservazioni opmerking
        opmerkingen notitie notities anteckning anteckningar bemaerkning bemaerkninger
        notat notater uwagi notatki muistiinpanot notlar not aciklama poznamka poznamky
        заметки примечание комментарий 備考 备注 customernote customernotes internalnote
        internalnotes annotations
    """,
}
